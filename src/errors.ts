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

/** Nothing was enqueued yet for this backfill: no row has a vector. */
export class NoRunError extends GateError {
  constructor(backfill: string) {
    super(`Backfill ${backfill} has no run yet.`, {
      code: 'NO_RUN',
      remedy: 'Run `pgvector-backfill enqueue` first.',
    });
  }
}

/** Connection, deadlock, lock timeout, serialization: retry with backoff. */
export class TransientError extends BackfillError {
  override readonly retryable = true;
}

/** One row cannot be embedded or written; the rest of its batch can. */
export class RowError extends BackfillError {}

/**
 * The message of anything thrown, without a stack and without values of rows: it goes to the ledger, to jobs, to logs and
 * to screens. What PostgreSQL says holds such values in many places: 'invalid input syntax for type integer: "…"', whatever
 * a function of the operator's raises. The server's own log has the whole of it.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((inner) => messageOf(inner)).join('; ');
  }
  if (!(error instanceof Error)) return String(error);
  return isServerError(error) ? serverWords(error) : error.message;
}

/** Of node-postgres, as far as the words go. */
interface ServerError extends Error {
  code: string;
  severity: string;
  /** Of the statement that was sent: what is wrong with it was seen before any row was. */
  position?: string;
  /** Name of the server's function. */
  routine?: string;
  /** Context: which function, which statement. */
  where?: string;
}

const isServerError = (error: Error & Partial<ServerError>): error is ServerError =>
  typeof error.severity === 'string' && /^[0-9A-Z]{5}$/.test(error.code ?? '');

/**
 * Classes that tell of connection, transaction, session, resources and locks, of rights and of names that are taken:
 * the server's words name objects alone.
 */
const OF_NO_VALUE = /^(?:08|25|28|3D|40|53|55|57|58|42(?:501|701|710|P06|P07))/;
/** Constraints are named and limits given in sizes; values are in the detail. */
const NAMES_AND_SIZES = /^(?:23|54)/;
/** Of a statement or an object: a name may be a value of a row where an expression makes one of it (`kind::regclass`). */
const NAMES = /^(?:0[0-9A-Z]|24|26|2[BD]|3[4BF]|42|72|F0|HV)/;

/** Whose words hold the very bytes. */
const ABOUT_BYTES: Readonly<Record<string, string>> = {
  '22021': 'bytes that are no text in the encoding they are taken for',
  '22P05': 'a character that one of the encodings of database and client has not got',
};

function serverWords({ code, message, position, routine, where = '' }: ServerError): string {
  const [, raisedIn] = /PL\/\w+ function ([^\n]+? line \d+ at \w+)/.exec(where) ?? [];
  const isRaised = routine === 'exec_stmt_raise';
  const aboutBytes = ABOUT_BYTES[code];
  if (!isRaised && aboutBytes !== undefined) return `${aboutBytes} (${code})`;
  if (!isRaised && NAMES_AND_SIZES.test(code)) return `${message} (${code})`;
  if (!isRaised && (position !== undefined || OF_NO_VALUE.test(code))) return message;
  if (!isRaised && NAMES.test(code))
    return `${message.replace(/["\u201c\u00ab].*["\u201d\u00bb]/su, '"..."')} (${code})`;
  return raisedIn === undefined
    ? `SQLSTATE ${code}${routine === undefined ? '' : ` in ${routine}`}`
    : `SQLSTATE ${code} raised by function ${raisedIn}`;
}

/** As the same kind of error, where its own words, or its stack, which begins with them, may hold values of rows. */
export function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = messageOf(error);
  return message === error.message ? error : new BackfillError(message, { code: 'FAILED' });
}

/** Of the file system, as Node names them: the folder is somebody else's, read-only, full, or no folder. */
const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST']);

/** What cannot be written to a folder, said with what to do; any other error as it is. */
export function unwritable(error: unknown, folder: string, remedy: string): unknown {
  const { code = '', syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (syscall === undefined || !UNWRITABLE.has(String(code))) return error;
  return new ConfigError(`Nothing can be written to ${folder}: ${messageOf(error)}.`, {
    code: 'FOLDER_UNWRITABLE',
    remedy,
    cause: error,
  });
}
