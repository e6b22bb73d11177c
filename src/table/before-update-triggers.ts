/** BEFORE triggers may change a row that is updated, also in columns that the statement does not name, or drop the update. */

import type { Queryable } from '../db/pool.ts';
import { treeSql } from './partitions.ts';

/** tgtype: 1 row, 2 before, 16 update (src/include/catalog/pg_trigger.h). $1 is the table. */
const TRIGGERS_SQL = `pg_trigger WHERE tgrelid IN ${treeSql('$1::regclass')} AND NOT tgisinternal AND tgtype & 19 = 19`;

/** SQL of whether there is one. $1 is the table. */
export const BEFORE_UPDATE_SQL = `EXISTS (SELECT 1 FROM ${TRIGGERS_SQL})`;

/** Their names. @param table quoted */
export async function beforeUpdateTriggers(db: Queryable, table: string): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT DISTINCT tgname::text AS name FROM ${TRIGGERS_SQL} ORDER BY 1`,
    [table],
  );
  return found.rows.map((row) => row.name);
}
