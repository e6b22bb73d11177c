/** What PostgreSQL says of a failure, without values of rows: it goes to the ledger, to jobs and to logs. */

import { messageOf } from '../errors.ts';
import { codeOf, isOfARow, isRaised } from './sqlstates.ts';

interface ServerError {
  code?: string;
  severity?: string;
  constraint?: string;
  routine?: string;
  /** Context: which function, which statement. */
  where?: string;
}

/**
 * The message as it is, unless it may hold values of the row: those of a function that raises what it likes, and those
 * of values that do not fit a type ('invalid input syntax for type integer: "…"').
 */
export function describeFailure(error: unknown): string {
  const server = (typeof error === 'object' && error !== null ? error : {}) as ServerError;
  const code = codeOf(error);
  if (code === undefined || server.severity === undefined || !isOfARow(error)) return messageOf(error);
  const [, raisedIn] = /PL\/\w+ function ([^\n]+? line \d+ at \w+)/.exec(server.where ?? '') ?? [];
  // Messages of violated constraints name the constraint, those of limits give sizes; values are in the detail. But a
  // function may raise their code.
  if (/^(23|54)/.test(code) && !isRaised(error)) return `${messageOf(error)} (${code})`;
  return raisedIn === undefined
    ? `SQLSTATE ${code}${server.routine === undefined ? '' : ` in ${server.routine}`}`
    : `SQLSTATE ${code} raised by function ${raisedIn}`;
}
