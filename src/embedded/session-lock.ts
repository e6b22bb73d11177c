/** Who may use the one session: first come, first served, except that an open transaction keeps it for its owner. */

import { setImmediate as nextTick } from 'node:timers/promises';

interface Waiting<Owner> {
  owner: Owner;
  work: () => Promise<boolean>;
  done: () => void;
  failed: (error: unknown) => void;
}

export interface StallWatch<Owner> {
  /** How long an owner may sit on the session, doing nothing, while others wait, ms. */
  limitMs: number;
  idleMs: (owner: Owner) => number;
  /** Must make the owner give the session back. */
  onStall: (owner: Owner) => void;
}

export class SessionLock<Owner> {
  readonly #waiting: Waiting<Owner>[] = [];
  readonly #watch: StallWatch<Owner>;
  #owner: Owner | null = null;
  #running = false;
  #stall: NodeJS.Timeout | undefined;

  constructor(watch: StallWatch<Owner>) {
    this.#watch = watch;
  }

  isOwner(owner: Owner): boolean {
    return this.#owner === owner;
  }

  /** Runs `work` when it is the owner's turn. It resolves to true where the owner keeps the session afterwards. */
  run(owner: Owner, work: () => Promise<boolean>): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ owner, work, done, failed });
      if (!this.#running) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#running = true;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      clearTimeout(this.#stall);
      try {
        this.#owner = (await next.work()) ? next.owner : null;
        next.done();
      } catch (error) {
        this.#owner = null;
        next.failed(error);
      }
      // Statements run synchronously: between two of them sockets get their chance.
      await nextTick();
    }
    this.#running = false;
    const owner = this.#owner;
    clearTimeout(this.#stall);
    if (owner !== null) this.#startStallWatch(owner, this.#watch.limitMs);
  }

  #take(): Waiting<Owner> | undefined {
    const index = this.#waiting.findIndex((each) => this.#owner === null || each.owner === this.#owner);
    return index === -1 ? undefined : this.#waiting.splice(index, 1)[0];
  }

  #startStallWatch(owner: Owner, delayMs: number): void {
    const { limitMs, idleMs, onStall } = this.#watch;
    this.#stall = setTimeout(() => {
      const leftMs = limitMs - idleMs(owner);
      if (leftMs <= 0 && this.#waiting.length > 0) onStall(owner);
      else this.#startStallWatch(owner, leftMs > 0 ? leftMs : limitMs);
    }, delayMs);
    this.#stall.unref();
  }
}
