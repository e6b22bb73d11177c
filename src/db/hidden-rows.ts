import type { GateError } from '../errors.ts';
import { quoteName } from './identifiers.ts';
import { operatorRegclassSql } from './search-path.ts';
import type { Queryable } from './pool.ts';
import { openSql, rowsHidden } from './row-security.ts';

/**
 * Null where this role sees every row of the table: nothing hides any, or a policy of its own shows it all of them.
 * @param table quoted; one that is not there hides nothing
 */
export async function hiddenRows(db: Queryable, table: string): Promise<GateError | null> {
  const found = await db.query<{ active: boolean | null; open: boolean; role: string }>(
    `SELECT row_security_active(t.oid) AS active, ${openSql('t.oid')} AS open, current_user::text AS role FROM (SELECT ${operatorRegclassSql('$1')} AS oid) t`,
    [table],
  );
  const { active = false, open = false, role = '' } = found.rows[0] ?? {};
  return active === true && !open ? rowsHidden(table, quoteName(role)) : null;
}
