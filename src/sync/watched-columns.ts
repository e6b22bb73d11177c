/** Which columns of the legacy table text and condition are made of: what PostgreSQL itself says of a view over them. */

import type { Pool } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import type { Target } from '../table/target.ts';

const VIEW = 'pgvector_backfill_watched';

/**
 * Columns whose change can change a row's text, its key, or whether it takes part. Where they cannot be told (an
 * expression over the whole row, or no right to make a temporary view): all but those that are added by us.
 */
export async function watchedColumns(pool: Pool, target: Target): Promise<string[]> {
  const used = await usedColumns(pool, target).catch((error: unknown) => {
    if (hasSqlState(error, SQLSTATE.privilege)) return [];
    throw error;
  });
  const watched = used.length > 0 ? used : await ownColumns(pool, target);
  return [...new Set([target.key, ...watched])];
}

/** The view is gone again before the transaction ends; nobody else ever sees it. */
function usedColumns(pool: Pool, target: Target): Promise<string[]> {
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    await client.query(
      `CREATE TEMP VIEW ${VIEW} AS SELECT ${target.text} AS text, ${target.where} AS takes_part FROM ${target.table}`,
    );
    const found = await client.query<{ name: string }>(
      `SELECT DISTINCT a.attname::text AS name, a.attnum
         FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
         JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE r.ev_class = 'pg_temp.${VIEW}'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid = $1::regclass AND a.attnum > 0 ORDER BY a.attnum`,
      [target.table],
    );
    await client.query(`DROP VIEW pg_temp.${VIEW}`);
    return found.rows.map((row) => row.name);
  });
}

async function ownColumns(pool: Pool, target: Target): Promise<string[]> {
  const found = await pool.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL ($2) ORDER BY attnum`,
    [target.table, [target.column, target.updatedAtColumn]],
  );
  return found.rows.map((row) => row.name);
}
