/** What PostgreSQL says of a failure, without values of rows: it goes to the ledger, to jobs and to logs. */

import { messageOf } from '../errors.ts';
import { classify, codeOf } from './sqlstates.ts';

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
  if (code === undefined || server.severity === undefined || classify(error) !== 'row')
    return messageOf(error);
  const [, raisedIn] = /PL\/\w+ function ([^\n]+? line \d+ at \w+)/.exec(server.where ?? '') ?? [];
  // Messages of violated constraints name the constraint; the values are in the detail. But a function may raise their code.
  if (code.startsWith('23') && server.routine !== 'exec_stmt_raise') return `${messageOf(error)} (${code})`;
  return raisedIn === undefined
    ? `SQLSTATE ${code}${server.routine === undefined ? '' : ` in ${server.routine}`}`
    : `SQLSTATE ${code} raised by function ${raisedIn}`;
}
