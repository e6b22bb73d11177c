/** Tables that nobody has analysed: neither a dump before PostgreSQL 18 nor pg_upgrade before it takes the planner's statistics along. */

import type { Queryable } from '../../db/pool.ts';
import { leavesSql } from '../../table/partitions.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from '../checks/finding.ts';

/** Reads catalogs alone. */
export async function checkStatistics(db: Queryable, { table, store }: Target): Promise<Finding[]> {
  const found = await db.query<{ name: string }>(
    `SELECT w.name FROM unnest($1::text[]) WITH ORDINALITY AS w (name, place)
      WHERE EXISTS (SELECT 1 FROM ${leavesSql('to_regclass(w.name)')} leaf JOIN pg_class c ON c.oid = leaf.relid JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE pg_relation_size(c.oid) > 0 AND has_table_privilege(c.oid, 'SELECT')
                       AND NOT EXISTS (SELECT 1 FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)) ORDER BY w.place`,
    [[...new Set([table, store.table])]],
  );
  if (found.rows.length === 0) return [];
  const names = found.rows.map(({ name }) => name);
  return [
    {
      level: 'warn',
      check: 'statistics',
      message: `${names.join(' and ')} ${names.length === 1 ? 'was' : 'were'} never analysed, as after a restore or pg_upgrade: plans and forecasts go by guesses, and searches may not take the index.`,
      remedy: `${names.map((name) => `ANALYZE ${name};`).join(' ')} Of the whole database: vacuumdb --analyze-in-stages.`,
    },
  ];
}
