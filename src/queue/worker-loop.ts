/** The loop by which a worker looks for jobs: whether it still turns, for whoever decides to start the process again. */

import type { Processor } from 'bullmq';
import type { JobData } from './jobs/payloads.ts';

/** A look ends within 10 s, whatever it finds, and a refused one is made again after 15 at most: this is eight of them. */
const STUCK_MS = 120_000;

/** The calls by which a worker of BullMQ looks for jobs, without end. */
export const FETCH_CALLS = ['moveToActive', 'waitForJob'] as const;

export class WorkerLoop {
  readonly #name: string;
  readonly #stuckMs: number;
  /** Asks the queue server by a connection of its own. */
  readonly #serverAnswers: () => Promise<boolean>;
  readonly #now: () => number;
  #turnedAt: number;
  #busy = 0;
  #isClosing = false;

  constructor(
    name: string,
    serverAnswers: () => Promise<boolean>,
    {
      stuckMs = STUCK_MS,
      now = () => performance.now(),
    }: { stuckMs?: number | undefined; now?: () => number } = {},
  ) {
    this.#name = name;
    this.#serverAnswers = serverAnswers;
    this.#stuckMs = stuckMs;
    this.#now = now;
    this.#turnedAt = now();
  }

  /** From here on its looks are seen to end, one way or the other. */
  watch(backend: object): void {
    const calls = backend as Record<
      (typeof FETCH_CALLS)[number],
      (...parameters: unknown[]) => Promise<unknown>
    >;
    for (const name of FETCH_CALLS) {
      const look = calls[name].bind(backend);
      calls[name] = async (...parameters) => {
        try {
          return await look(...parameters);
        } finally {
          this.turned();
        }
      };
    }
  }

  turned(): void {
    this.#turnedAt = this.#now();
  }

  /** A job takes its time, an index build hours: while one is in flight nobody need look for others. */
  counting(processor: Processor<JobData, unknown>): Processor<JobData, unknown> {
    return async (job, token, signal) => {
      this.#busy++;
      try {
        return await processor(job, token, signal);
      } finally {
        this.#busy--;
        this.turned();
      }
    };
  }

  close(): void {
    this.#isClosing = true;
  }

  /**
   * What only another start of this process would mend; null where it works, and in an outage of the queue server, which
   * another start would not end.
   */
  async fault(): Promise<string | null> {
    const since = this.#turnedAt;
    const silentMs = this.#now() - since;
    if (this.#isClosing || this.#busy > 0 || silentMs < this.#stuckMs) return null;
    if (!(await this.#serverAnswers()) || this.#turnedAt !== since) return null;
    return `nobody has looked at queue ${this.#name} for ${Math.round(silentMs / 1000)} s, and its server answers`;
  }
}
