/** A legacy search that raises for some queries, as many do for words with blanks or operators: no answer, and told. */

import { SQLSTATE, codeOf, hasSqlState } from '../../db/sqlstates.ts';
import { ConfigError, GateError } from '../../errors.ts';
import { LEGACY_FAILED } from './legacy-query.ts';
import { QUERY_NOT_IN_ENCODING } from './unencodable-query.ts';

/**
 * What is wrong, without the server's own words, which quote queries and rows; null where neither the operator's SQL nor the
 * query is at fault.
 */
export function legacyFault(error: unknown): string | null {
  if (error instanceof GateError && error.code === QUERY_NOT_IN_ENCODING)
    return error.message.replace(/\.$/, '');
  if (!(error instanceof ConfigError) || error.code !== LEGACY_FAILED) return null;
  return serverFault(error);
}

export const TOO_SLOW = 'it takes longer than the time limit of a search';

/** Of an error, or of what caused it. */
export function serverFault(error: unknown): string {
  const cause = error instanceof ConfigError && error.cause !== undefined ? error.cause : error;
  if (hasSqlState(cause, SQLSTATE.queryCanceled)) return TOO_SLOW;
  if (hasSqlState(cause, SQLSTATE.protocolViolation))
    return 'it does not take the two parameters $1 (the query text) and $2 (the number of rows)';
  const { routine } = (typeof cause === 'object' && cause !== null ? cause : {}) as { routine?: string };
  return `SQLSTATE ${codeOf(cause) ?? 'unknown'}${routine === undefined ? '' : ` in ${routine}`}`;
}

/** How often the legacy search was asked, and for how many of these queries it raised. */
export class LegacyTries {
  asked = 0;
  raised = 0;
  /** Of the last one. */
  fault: string | null = null;

  /** `none` where it raises. @throws what is not the legacy search's own fault */
  async ask<T>(work: () => Promise<T>, none: T): Promise<T> {
    this.asked++;
    try {
      return await work();
    } catch (error) {
      const fault = legacyFault(error);
      if (fault === null) throw error;
      this.raised++;
      this.fault = fault;
      return none;
    }
  }
}
