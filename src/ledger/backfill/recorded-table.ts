/** What the ledger has recorded of a backfill's table. */

import { parseQualified, quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import type { RecordedTable } from '../../table/backfill-target.ts';
import type { KeyOrder } from '../../table/find-key.ts';
import type { ExpressionNames } from '../../table/expression-names.ts';
import type { IndexPlan } from '../../table/index-plan.ts';
import { otherStagingTableName, stagingTableName } from '../../table/staging-table-name.ts';

export interface TableNames {
  backfill: string;
  /** Quoted schema.table of the legacy table, and its bare name. */
  table: string;
  name: string;
  column: string;
}

interface Row {
  ours: boolean;
  stage: string;
  names: ExpressionNames | null;
  plan: IndexPlan | null;
  key: string;
  order: KeyOrder[] | null;
}

/** Columns are read as JSON: one that the ledger of an older release does not have yet is absent, and no error. */
export async function recordedTable(
  db: Queryable,
  { backfill, table, name, column }: TableNames,
): Promise<RecordedTable> {
  const stage = stagingTableName(name, column);
  const unknown = { stage, names: {}, key: null, indexPlan: null };
  // No ledger yet: a failed query would end the transaction that this may be asked in.
  const known = await db.query<{ known: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = 'pgvector_backfill' AND c.relname = 'backfill') AS known`,
  );
  if (known.rows[0]?.known !== true) return unknown;
  const found = await db.query<Row>(
    `SELECT name = $1 AS ours, stage_table AS stage, to_jsonb(b) -> 'expression_names' AS names, to_jsonb(b) -> 'index_plan' AS plan,
            key_column AS key, to_jsonb(b) -> 'key_order' AS order
       FROM pgvector_backfill.backfill b
      WHERE name = $1 OR (stage_table = $2 AND target_table <> $3) ORDER BY name <> $1 LIMIT 1`,
    [backfill, quoteQualified(stage), table],
  );
  const [row] = found.rows;
  if (row === undefined) return unknown;
  if (!row.ours) return { ...unknown, stage: otherStagingTableName(table, name, column) };
  return {
    stage: parseQualified(row.stage, 'The staging table in the ledger'),
    names: row.names ?? {},
    key: { columns: row.order?.map(({ name }) => name) ?? [row.key], order: row.order },
    indexPlan: row.plan,
  };
}

/** Quoted names as `enqueue` has recorded them; null where the backfill is not in the ledger. */
export async function recordedNames(
  db: Queryable,
  backfill: string,
): Promise<{ table: string; stage: string } | null> {
  const found = await db.query<{ table: string; stage: string }>(
    'SELECT target_table AS table, stage_table AS stage FROM pgvector_backfill.backfill WHERE name = $1',
    [backfill],
  );
  return found.rows[0] ?? null;
}
