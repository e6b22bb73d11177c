/** Backfills: a table, its key and its options each. */

import type { UsedValue } from '../../config/usage-paths.ts';
import type { Queryable } from '../../db/pool.ts';
import { keyNames } from '../../table/key.ts';
import { keyOrder, type Target } from '../../table/backfill-target.ts';

/**
 * Settings are stored for the record, without anything that is a secret, and so is who says how the model is used.
 * @param reads null where it is not known
 */
export async function saveBackfill(
  db: Queryable,
  target: Target,
  settings: Record<string, unknown>,
  reads: readonly string[] | null = null,
  usage: readonly UsedValue[] = [],
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.backfill
       (name, target_table, key_column, key_order, stage_table, settings, expression_names, index_stem, search_stem, read_columns, store_table, model_use)
     VALUES ($1, $2, $3, $7, $4, $5, $6, $8, $9, $10, $11, $12)
     ON CONFLICT (name) DO UPDATE SET target_table = excluded.target_table, key_column = excluded.key_column, key_order = excluded.key_order,
       stage_table = excluded.stage_table, settings = excluded.settings, expression_names = excluded.expression_names,
       index_stem = excluded.index_stem, search_stem = excluded.search_stem, read_columns = excluded.read_columns, store_table = excluded.store_table, model_use = excluded.model_use, updated_at = now()`,
    [
      target.backfill,
      target.table,
      shownNames(keyNames(target)),
      target.stage,
      JSON.stringify(settings),
      JSON.stringify(target.names),
      JSON.stringify(keyOrder(target)),
      target.indexStem,
      target.searchStem,
      reads,
      target.store.kind === 'table' ? target.store.table : null,
      JSON.stringify(usage),
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
