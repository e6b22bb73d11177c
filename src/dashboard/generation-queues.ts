/** The queues of every generation: those that come while the dashboard runs are opened, those that go are closed. */

import type { JobQueue, OpenQueue, QueueRole } from '../queue/connection.ts';

export type Queues = Record<QueueRole, JobQueue>;
/** @param name of the generation in the ledger */
export type OpenQueues = (name: string) => Record<QueueRole, OpenQueue>;

export class GenerationQueues {
  readonly #first: { name: string; queues: Queues };
  readonly #open: OpenQueues | undefined;
  readonly #opened = new Map<string, Record<QueueRole, OpenQueue>>();
  #names: readonly string[];

  /** @param first of the first generation: they are the caller's, and stay open */
  constructor(first: { name: string; queues: Queues }, open: OpenQueues | undefined) {
    this.#first = first;
    this.#open = open;
    this.#names = [first.name];
  }

  /** Of the generations that are present, as they were seen last. */
  get names(): readonly string[] {
    return this.#names;
  }

  get all(): JobQueue[] {
    return this.#names.flatMap((name) => Object.values(this.of(name) ?? {}));
  }

  /** @returns whether they are others than before */
  present(names: readonly string[]): boolean {
    if (names.join() === this.#names.join() || names.length === 0) return false;
    this.#names = [...names];
    for (const [name, queues] of this.#opened)
      if (!names.includes(name)) {
        this.#opened.delete(name);
        void closeAll(queues).catch(() => {});
      }
    return true;
  }

  /** Null where nobody has said how they are opened. */
  of(name: string): Queues | null {
    if (name === this.#first.name) return this.#first.queues;
    if (this.#open === undefined) return null;
    let opened = this.#opened.get(name);
    if (opened === undefined) {
      opened = this.#open(name);
      this.#opened.set(name, opened);
    }
    const { embed, finalize, sync } = opened;
    return { embed: embed.queue, finalize: finalize.queue, sync: sync.queue };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map(closeAll));
    this.#opened.clear();
  }
}

const closeAll = async (queues: Record<QueueRole, OpenQueue>): Promise<void> => {
  await Promise.all(Object.values(queues).map((each) => each.close()));
};
