/** What a queue waits for, said once: its loops look again and again, and the log is for people. */

import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';

/** An outage that goes on is said again. */
const AGAIN_MS = 600_000;

export class Outage {
  readonly #logger: Logger;
  readonly #queue: string;
  readonly #now: () => number;
  /** When each message was said last. */
  #told = new Map<string, number>();

  constructor(logger: Logger, queue: string, now = (): number => performance.now()) {
    this.#logger = logger;
    this.#queue = queue;
    this.#now = now;
  }

  saw(error: unknown): void {
    const err = messageOf(error);
    const now = this.#now();
    if (now - (this.#told.get(err) ?? -AGAIN_MS) < AGAIN_MS) return;
    this.#told.set(err, now);
    this.#logger.warn(
      { queue: this.#queue, err },
      'queue connection: waiting for the server, and trying again',
    );
  }

  over(): void {
    if (this.#told.size === 0) return;
    this.#told = new Map();
    this.#logger.info({ queue: this.#queue }, 'queue connection: the server is there again');
  }
}
