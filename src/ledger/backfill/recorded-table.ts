/** What the ledger has recorded of a backfill's table. */

import { backfillOf } from '../../config/values/generation-name.ts';
import { parseQualified, quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import type { RecordedTable } from '../../table/backfill-target.ts';
import type { KeyOrder } from '../../table/find-key.ts';
import type { ExpressionNames } from '../../table/expression-names.ts';
import { EARLIER_STEM } from '../../table/index-name.ts';
import type { IndexPlan } from '../../table/index-plan.ts';
import { besideTableName, otherBesideTableName } from '../../table/store.ts';
import { otherStagingTableName, stagingTableName } from '../../table/staging-table-name.ts';
import { hasLedger, siblingsOf, type TableOf } from './siblings.ts';

export interface TableNames extends TableOf {
  /** Bare name of the legacy table. */
  name: string;
  column: string;
}

interface Row {
  stage: string;
  beside: string | null;
  names: ExpressionNames | null;
  plan: IndexPlan | null;
  key: string;
  order: KeyOrder[] | null;
  column: string | null;
  indexStem: string;
  searchStem: string;
}

/** Columns are read as JSON: one that the ledger of an older release does not have yet is absent, and no error. */
export async function recordedTable(db: Queryable, names: TableNames): Promise<RecordedTable> {
  const { backfill, name, column } = names;
  const { schema } = parseQualified(names.table, 'The table');
  const beside = besideTableName(schema, name, column);
  const unknown = { stage: stagingTableName(name, column), beside, names: {}, key: null, indexPlan: null };
  if (!(await hasLedger(db))) return { ...unknown, indexStem: column, searchStem: '' };
  const found = await db.query<Row>(
    `SELECT stage_table AS stage, to_jsonb(b) ->> 'store_table' AS beside, to_jsonb(b) -> 'expression_names' AS names, to_jsonb(b) -> 'index_plan' AS plan, settings ->> 'column' AS column,
            key_column AS key, to_jsonb(b) -> 'key_order' AS order,
            coalesce(to_jsonb(b) ->> 'index_stem', $2) AS "indexStem", coalesce(to_jsonb(b) ->> 'search_stem', '') AS "searchStem"
       FROM pgvector_backfill.backfill b WHERE name = $1`,
    [backfill, EARLIER_STEM],
  );
  const [row] = found.rows;
  if (row === undefined) return { ...unknown, ...(await freeNames(db, names)) };
  const { indexStem, searchStem } = row;
  return {
    stage: parseQualified(row.stage, 'The staging table in the ledger'),
    beside: row.beside === null ? beside : parseQualified(row.beside, 'The table of vectors in the ledger'),
    names: row.names ?? {},
    key: { columns: row.order?.map(({ name }) => name) ?? [row.key], order: row.order },
    indexPlan: row.plan,
    ...(row.column === null || row.column === column
      ? { indexStem, searchStem }
      : await freeStems(db, names)),
  };
}

/** Of a backfill that is not there yet: what no other one has. */
async function freeNames(
  db: Queryable,
  names: TableNames,
): Promise<Pick<RecordedTable, 'stage' | 'beside' | 'indexStem' | 'searchStem'>> {
  const { backfill, table, name, column } = names;
  const { schema } = parseQualified(table, 'The table');
  const stage = stagingTableName(name, column);
  const beside = besideTableName(schema, name, column);
  const found = await db.query<{ stage: boolean; beside: boolean }>(
    `SELECT coalesce(bool_or(stage_table = $2), false) AS stage, coalesce(bool_or(to_jsonb(b) ->> 'store_table' = $3), false) AS beside
       FROM pgvector_backfill.backfill b WHERE name <> $1`,
    [backfill, quoteQualified(stage), quoteQualified(beside)],
  );
  const [taken] = found.rows;
  return {
    stage: taken?.stage === true ? otherStagingTableName(table, name, column) : stage,
    beside: taken?.beside === true ? otherBesideTableName(schema, name, column) : beside,
    ...(await freeStems(db, names)),
  };
}

/** The first backfill of a table has `search_<table>`, as applications call it; another one says its column. */
async function freeStems(
  db: Queryable,
  names: TableNames,
): Promise<Pick<RecordedTable, 'indexStem' | 'searchStem'>> {
  const { column } = names;
  const siblings = await siblingsOf(db, names);
  const taken = new Set(siblings.map(({ indexStem }) => indexStem));
  let indexStem = column;
  for (let number = 2; taken.has(indexStem); number++) indexStem = `${column}_${number}`;
  // Whichever generation answers, it is one function.
  const own = siblings.find(({ backfill }) => backfillOf(backfill) === backfillOf(names.backfill));
  const isFirst = siblings.every(({ searchStem }) => searchStem !== '');
  return { indexStem, searchStem: own?.searchStem ?? (isFirst ? '' : column) };
}

/**
 * Quoted names as `enqueue` has recorded them; null where the backfill is not in the ledger. `captured`: oid of the table that
 * has its triggers, which keeps them under another name; null where none has.
 */
export async function recordedNames(
  db: Queryable,
  backfill: string,
): Promise<{ table: string; stage: string; captured: string | null } | null> {
  const found = await db.query<{ table: string; stage: string; captured: string | null }>(
    `SELECT b.target_table AS table, b.stage_table AS stage,
            (SELECT to_regclass(to_jsonb(s) ->> 'captured_table')::oid::text FROM pgvector_backfill.sync s WHERE s.backfill = b.name) AS captured
       FROM pgvector_backfill.backfill b WHERE b.name = $1`,
    [backfill],
  );
  return found.rows[0] ?? null;
}
