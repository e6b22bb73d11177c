/** SQLSTATEs by name, and what they mean for a retry. https://www.postgresql.org/docs/current/errcodes-appendix.html */

import { BackfillError, ConfigError, GateError, RowError } from '../errors.ts';

export const SQLSTATE = {
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
  databaseMissing: '3D000',
  schemaMissing: '3F000',
  tableMissing: '42P01',
  columnMissing: '42703',
  /** undefined_object: types among others. */
  objectMissing: '42704',
  /** undefined_function: operators too. */
  functionMissing: '42883',
  duplicateTable: '42P07',
  duplicateObject: '42710',
  privilege: '42501',
  syntax: '42601',
  uniqueViolation: '23505',
  serialization: '40001',
  deadlock: '40P01',
  lockTimeout: '55P03',
  queryCanceled: '57014',
  /** character_not_in_repertoire: bytes that are no text in their encoding. */
  invalidText: '22021',
  /** untranslatable_character: one that the database's encoding, or the client's, has not got. */
  untranslatable: '22P05',
  /** program_limit_exceeded; pgvector's where the centres of an IVFFlat index do not fit. */
  programLimit: '54000',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  tooManyConnections: '53300',
  diskFull: '53100',
  outOfMemory: '53200',
  databaseDropped: '57P04',
  readOnly: '25006',
  /** Also: another number of values than the statement has parameters. */
  protocolViolation: '08P01',
  idleInTransaction: '25P03',
  transactionTimeout: '25P04',
  /** object_not_in_prerequisite_state: a library that has to be loaded at the server's start, among others. */
  notInPrerequisiteState: '55000',
  objectInUse: '55006',
  dependent: '2BP01',
} as const;

const TRANSIENT: ReadonlySet<string> = new Set([
  SQLSTATE.serialization,
  SQLSTATE.deadlock,
  SQLSTATE.lockTimeout,
  SQLSTATE.queryCanceled,
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
  SQLSTATE.cannotConnectNow,
  SQLSTATE.tooManyConnections,
  SQLSTATE.outOfMemory,
  // A standby that is about to be promoted, or a primary that has just been demoted.
  SQLSTATE.readOnly,
  SQLSTATE.idleInTransaction,
  SQLSTATE.transactionTimeout,
  SQLSTATE.objectInUse,
]);

/** Errors of the socket, as Node names them; they carry no SQLSTATE. */
const SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** What node-postgres says of a connection that broke under a query; it has no code either. */
const BROKEN =
  /connection terminated|client has encountered a connection error|timeout exceeded when trying to connect|timeout expired|connection ended|query read timeout/i;

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function hasSqlState(error: unknown, ...states: string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && states.includes(code);
}

/** Codes of Node's own errors are words. */
const isSqlState = (code: string): boolean => /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);

export type FailureClass = 'transient' | 'row' | 'configuration' | 'unknown';

const CONFIGURATION: ReadonlySet<string> = new Set([
  SQLSTATE.privilege,
  SQLSTATE.tableMissing,
  SQLSTATE.columnMissing,
  SQLSTATE.schemaMissing,
  SQLSTATE.databaseMissing,
  SQLSTATE.databaseDropped,
  SQLSTATE.invalidPassword,
  SQLSTATE.invalidAuthorization,
  SQLSTATE.diskFull,
]);

/** The server cannot be reached, or not now: whatever is asked of it fails until that is over. */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error);
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isUnreachable);
  if (code === undefined) return error instanceof Error && BROKEN.test(error.message);
  return SOCKET.has(code) || code.startsWith('08') || UNREACHABLE.has(code);
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
  SQLSTATE.cannotConnectNow,
  SQLSTATE.tooManyConnections,
  SQLSTATE.readOnly,
]);

/**
 * Classes of codes (their first two characters) that tell of the session, the server, rights or the statement, and so of
 * every row alike. Whatever else a server reports is the data of some row: a value out of range, a constraint, a limit of
 * the program (54: a tsvector or an index entry too long), damaged or oversized storage (XX), and the codes that functions
 * make up for themselves.
 */
const NOT_OF_A_ROW = new Set(
  '00 01 02 03 08 0A 0B 24 25 26 28 2B 2D 34 3B 3D 3F 40 42 53 55 57 58 72 F0 HV'.split(' '),
);

/** A function of the operator's said so, in a trigger or an expression: of this row, whatever code it has chosen. */
export function isRaised(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'routine' in error && error.routine === 'exec_stmt_raise'
  );
}

/** Sorts a failure into the class that decides what happens next (DESIGN: transient, row, configuration). */
export function classify(error: unknown): FailureClass {
  if (error instanceof BackfillError) {
    if (error.retryable) return 'transient';
    if (error instanceof RowError) return 'row';
    if (error instanceof ConfigError || error instanceof GateError) return 'configuration';
  }
  if (error instanceof AggregateError) {
    return error.errors.length > 0 && error.errors.every((inner) => classify(inner) === 'transient')
      ? 'transient'
      : 'unknown';
  }
  const code = codeOf(error);
  if (code !== undefined && (TRANSIENT.has(code) || SOCKET.has(code) || code.startsWith('08')))
    return 'transient';
  if (isRaised(error)) return 'row';
  if (code !== undefined && CONFIGURATION.has(code)) return 'configuration';
  if (error instanceof Error && BROKEN.test(error.message)) return 'transient';
  if (code !== undefined && isSqlState(code) && !NOT_OF_A_ROW.has(code.slice(0, 2))) return 'row';
  return 'unknown';
}

/**
 * Whether a statement failed by one of its rows, so that the rows beside it can do without it. A code that means another
 * try elsewhere has had its tries by then, where a function of the operator's chose it.
 */
export const isOfARow = (error: unknown): boolean => classify(error) === 'row' || isRaised(error);

/** Bytes that are no text, or none in the other encoding. */
export const isOfBytes = (error: unknown): boolean =>
  !isRaised(error) && hasSqlState(error, SQLSTATE.invalidText, SQLSTATE.untranslatable);
