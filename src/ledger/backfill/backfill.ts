/** Backfills: a table, its key and its options each. */

import type { Queryable } from '../../db/pool.ts';
import { keyOrder, type Target } from '../../table/backfill-target.ts';

/** Settings are stored for the record, without anything that is a secret. */
export async function saveBackfill(
  db: Queryable,
  target: Target,
  settings: Record<string, unknown>,
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, key_order, stage_table, settings, expression_names)
     VALUES ($1, $2, $3, $7, $4, $5, $6)
     ON CONFLICT (name) DO UPDATE SET target_table = excluded.target_table, key_column = excluded.key_column, key_order = excluded.key_order,
       stage_table = excluded.stage_table, settings = excluded.settings, expression_names = excluded.expression_names, updated_at = now()`,
    [
      target.backfill,
      target.table,
      shownNames(target.key.map(({ name }) => name)),
      target.stage,
      JSON.stringify(settings),
      JSON.stringify(target.names),
      JSON.stringify(keyOrder(target)),
    ],
  );
}

/** For whoever looks into the ledger. */
const shownNames = (names: readonly string[]): string =>
  names.length === 1 ? (names[0] ?? '') : JSON.stringify(names);

/** Columns that were not on the legacy table before: the only ones that are ever dropped again. */
export async function noteAddedColumns(
  db: Queryable,
  backfill: string,
  columns: readonly string[],
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.backfill SET updated_at = clock_timestamp(), added_columns = ARRAY(SELECT DISTINCT unnest(added_columns || $2::text[]) ORDER BY 1)
      WHERE name = $1`,
    [backfill, columns],
  );
}

/** A sentence where the name is taken by a backfill of another table, or the table by another backfill; else null. */
export async function backfillClash(db: Queryable, target: Target): Promise<string | null> {
  const found = await db.query<{ name: string; target_table: string }>(
    `SELECT name, target_table FROM pgvector_backfill.backfill
      WHERE (name = $1 AND target_table <> $2) OR (name <> $1 AND (target_table = $2 OR stage_table = $3)) LIMIT 1`,
    [target.backfill, target.table, target.stage],
  );
  const other = found.rows[0];
  if (other === undefined) return null;
  return other.name === target.backfill
    ? `Backfill ${other.name} already exists, for table ${other.target_table}.`
    : `Table ${other.target_table} already has a backfill, ${other.name}; two would share its triggers and its index.`;
}
