/** What a pass may take: until its time is over, or the database is in trouble. */

import { TABLE_LIMITS, type TransactionLimits } from '../db/transaction.ts';

/** Longest wait for a lock, ms: somebody alters the table, and comes first. */
const LOCK_TIMEOUT_MS = 1000;

export class Budget {
  readonly #end: number;
  readonly #maxMs: number;
  readonly #holds: () => Promise<boolean>;
  readonly #stop: AbortSignal | undefined;
  #cutShort: string | null = null;

  /**
   * @param holds whether the database is in trouble, as `Throttle.holds`
   * @param stop aborted when the process is shut down
   */
  constructor(maxSeconds: number, holds: () => Promise<boolean>, stop?: AbortSignal) {
    this.#maxMs = maxSeconds * 1000;
    this.#end = performance.now() + this.#maxMs;
    this.#holds = holds;
    this.#stop = stop;
  }

  /** Why it ended before all was asked; null where it did not. */
  get cutShort(): string | null {
    return this.#cutShort;
  }

  /** Whether another query may be asked. */
  async allows(): Promise<boolean> {
    if (this.#cutShort !== null) return false;
    if (this.#stop?.aborted === true) this.#cutShort = 'the worker was shut down';
    else if (performance.now() > this.#end) this.timedOut();
    else if (await this.#holds()) this.#cutShort = 'the database was in trouble (throttle)';
    return this.#cutShort === null;
  }

  timedOut(): void {
    this.#cutShort ??= `its ${this.#maxMs / 1000} s were over`;
  }

  /** Of one statement: it is not tried again, and ends with the pass. */
  get limits(): TransactionLimits {
    const left = Math.max(1, Math.ceil(this.#end - performance.now()));
    const statementTimeoutMs = Math.min(left, TABLE_LIMITS.statementTimeoutMs);
    return { lockTimeoutMs: LOCK_TIMEOUT_MS, statementTimeoutMs, tries: 1 };
  }
}
