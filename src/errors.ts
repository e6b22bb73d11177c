/**
 * Error classes of the product. Every error that a person may see carries a stable `code` (for scripts and
 * searches), what to do about it (`remedy`) and whether trying again can help (`retryable`).
 */

export interface ErrorFacts {
  /** Stable identifier, upper snake case, never reused for another meaning. */
  code: string;
  /** One sentence: what the operator can do. */
  remedy?: string;
  cause?: unknown;
}

export class BackfillError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  /** True where the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean = false;

  constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = facts.code;
    this.remedy = facts.remedy;
  }
}

/** Bad usage or configuration: the command ends with exit code 2. The message names option, env and file key. */
export class ConfigError extends BackfillError {}

/** A check or gate did not pass: the command ends with exit code 3. */
export class GateError extends BackfillError {}

/** Connection, deadlock, lock timeout, serialization: retry with backoff. */
export class TransientError extends BackfillError {
  override readonly retryable = true;
}

/** One row cannot be embedded or written; the rest of its batch can. */
export class RowError extends BackfillError {}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((inner) => messageOf(inner)).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
