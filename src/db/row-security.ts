/** Rows that a role does not see: whoever reads, counts or deletes as one who sees all must not go by the others. */

import { GateError, messageOf } from '../errors.ts';
import { quoteName } from './identifiers.ts';
import { SQLSTATE, hasSqlState } from './sqlstates.ts';

/**
 * Policies that show this role every row of a table, and let it update every one: `condition` is a boolean over them.
 * @param oid an expression of type oid
 */
export const openSql = (oid: string): string => `EXISTS (
    SELECT 1 FROM pg_catalog.pg_policy p, LATERAL (SELECT pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS condition) e
     WHERE p.polrelid = ${oid} AND p.polcmd IN ('*', 'r', 'w')
       AND EXISTS (SELECT 1 FROM pg_catalog.unnest(p.polroles) AS r (role) WHERE r.role = 0 OR pg_catalog.pg_has_role(r.role, 'USAGE'))
    HAVING bool_and(p.polpermissive) AND bool_or(p.polcmd IN ('*', 'r') AND e.condition = 'true') AND bool_or(p.polcmd IN ('*', 'w') AND e.condition = 'true'))`;

/**
 * row_security off, so that the server raises where it would hide a row; on only where policies of the table itself hide
 * none. Looked up for every transaction: a policy may come at any time.
 * @param oid SQL of the table's
 */
const rowSecuritySql = (oid: string): string =>
  `SELECT CASE WHEN ${openSql(oid)} THEN 'on' ELSE 'off' END AS value`;

/** No such setting: whoever asks for it has found rows hidden. */
const HIDDEN_MARK = 'pgvector_backfill.rows_are_hidden';

/**
 * For the end of a transaction that had row_security on: a policy may have come between its opening and its statements.
 * One that comes behind them waits for the lock that they hold, so what holds now is what they have met. Raises
 * where a row was hidden. @param oid SQL of the table's
 */
function stillOpenSql(oid: string): string {
  return `SELECT CASE WHEN pg_catalog.current_setting('row_security') = 'on' AND pg_catalog.row_security_active(${oid}) AND NOT ${openSql(oid)} THEN pg_catalog.current_setting('${HIDDEN_MARK}') END`;
}

/** What transactions on a table's rows say of it. */
export interface RowSecurity {
  /** Quoted. */
  table: string;
  /** SQL of the value that row_security is to have. */
  opening: string;
  /** What commits one that had it on. */
  closing: string;
}

/** @param oid SQL of the table's, on whichever path it is asked */
export const rowSecurityFor = (table: string, oid: string): RowSecurity => ({
  table,
  opening: rowSecuritySql(oid),
  closing: `${stillOpenSql(oid)}; COMMIT`,
});

const ROW_SECURITY = 'ROW_SECURITY';

/** By the name of the function that raises it: the words are of the server's language. */
const raisedBySecurity = (error: unknown): boolean =>
  hasSqlState(error, SQLSTATE.privilege) && (error as { routine?: unknown }).routine === 'check_enable_rls';
const raisedAtEnd = (error: unknown): boolean =>
  hasSqlState(error, SQLSTATE.objectMissing) && error instanceof Error && error.message.includes(HIDDEN_MARK);

/** Rows would be hidden from us: nothing goes on before somebody has changed that. */
export const hidesRows = (error: unknown): boolean =>
  error instanceof GateError && error.code === ROW_SECURITY;

/** What the server raised, with what to do about it; anything else as it is. */
export function explained(error: unknown, table?: string): unknown {
  if (raisedAtEnd(error)) return rowsHidden(table ?? 'the table', 'this role', error);
  if (!raisedBySecurity(error)) return error;
  const [, name = 'the table'] = /"([^"]+)"/.exec(messageOf(error)) ?? [];
  return rowsHidden(quoteName(name), 'this role', error);
}

/** @param table quoted @param role quoted, or words for it */
export const rowsHidden = (table: string, role: string, cause?: unknown): GateError =>
  new GateError(
    `Row-level security of ${table} applies to ${role}: rows that its policies hide would get no vector, and nobody would count them.`,
    {
      code: ROW_SECURITY,
      remedy: `Connect as a role with BYPASSRLS, or give this one a policy of its own: CREATE POLICY … ON ${table} TO ${cause === undefined ? role : '…'} USING (true).`,
      ...(cause === undefined ? {} : { cause }),
    },
  );
