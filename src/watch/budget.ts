/** What a pass may take: until its time is over, or the database is in trouble. */

import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { TABLE_LIMITS, type TransactionLimits } from '../db/transaction.ts';

/** Longest wait for a lock, ms: somebody alters the table, and comes first. */
const LOCK_TIMEOUT_MS = 1000;

export interface BudgetInput {
  maxSeconds: number;
  /** Whether the database is in trouble, as `Throttle.holds`. */
  holds: () => Promise<boolean>;
  /** Aborted when the process is shut down. */
  stop?: AbortSignal | undefined;
}

export class Budget {
  readonly #input: BudgetInput;
  readonly #end: number;
  #cutShort: string | null = null;

  constructor(input: BudgetInput) {
    this.#input = input;
    this.#end = performance.now() + 1000 * input.maxSeconds;
  }

  /** For what must not take the time of all that comes behind it. @param share of what is left, 0 to 1 */
  part(share: number): Budget {
    const leftSeconds = Math.max(0, this.#end - performance.now()) / 1000;
    return new Budget({ ...this.#input, maxSeconds: share * leftSeconds });
  }

  /** Why it ended before all was asked; null where it did not. */
  get cutShort(): string | null {
    return this.#cutShort;
  }

  /** Whether another query may be asked. */
  async allows(): Promise<boolean> {
    if (this.#cutShort !== null) return false;
    const { stop, holds } = this.#input;
    if (stop?.aborted === true) this.#cutShort = 'the worker was shut down';
    else if (performance.now() > this.#end) this.timedOut();
    else if (await holds()) this.#cutShort = 'the database was in trouble (throttle)';
    return this.#cutShort === null;
  }

  timedOut(): void {
    this.#cutShort ??= 'its time was over';
  }

  /** After a statement that did not come to its end within its limits. @throws whatever else it was */
  ended(error: unknown): void {
    if (hasSqlState(error, SQLSTATE.lockTimeout)) this.#cutShort ??= 'the table was locked';
    else if (hasSqlState(error, SQLSTATE.queryCanceled)) this.timedOut();
    else throw error;
  }

  /** Of one statement: it is not tried again, and ends with the pass. */
  get limits(): TransactionLimits {
    const left = Math.max(1, Math.ceil(this.#end - performance.now()));
    const statementTimeoutMs = Math.min(left, TABLE_LIMITS.statementTimeoutMs);
    return { lockTimeoutMs: LOCK_TIMEOUT_MS, statementTimeoutMs, tries: 1 };
  }
}
