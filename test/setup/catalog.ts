/** A table as the catalog and its rows show it, and what stands beside it: equal before and after where nothing is left behind. */

import type { Pool } from '../../src/db/pool.ts';

export async function catalogState(pool: Pool, table: string): Promise<Record<string, unknown>> {
  const ask = async (sql: string, values: unknown[] = [table]): Promise<unknown[]> =>
    (await pool.query({ text: sql, values, rowMode: 'array' })).rows;
  return {
    columns: await ask(
      `SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attstorage, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
         FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    ),
    constraints: await ask(
      `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass ORDER BY 1`,
    ),
    indexes: await ask(
      `SELECT c.relname, pg_get_indexdef(c.oid), i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::regclass ORDER BY 1`,
    ),
    triggers: await ask(
      `SELECT tgname, pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal ORDER BY 1`,
    ),
    table: await ask(
      `SELECT relowner::regrole::text, relacl::text, reloptions, relrowsecurity, relreplident FROM pg_class WHERE oid = $1::regclass`,
    ),
    relations: await ask(
      `SELECT c.oid::regclass::text, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'bullmq') AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1`,
      [],
    ),
    functions: await ask(
      `SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'bullmq') AND n.nspname NOT LIKE 'pg\\_%'
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') ORDER BY 1`,
      [],
    ),
    rows: await ask(
      `SELECT md5(string_agg(t::text, chr(10) ORDER BY t.*::text COLLATE "C")), count(*) FROM ${table} t`,
      [],
    ),
  };
}
