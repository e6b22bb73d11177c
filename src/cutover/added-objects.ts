/** What of a table and around it is there because of a backfill. What was there before is not among it. */

import { quoteName, quoteQualified } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { knownColumns, knownIndexes, type AddedIndex } from '../ledger/backfill/known-objects.ts';
import { madeTable } from '../ledger/backfill/made-table.ts';
import { leavesOf } from '../table/partitions.ts';
import { leafTarget, type Target } from '../table/backfill-target.ts';

export interface AddedObjects {
  /** Indexes that were built by a run. */
  indexes: AddedIndex[];
  /** Columns of the legacy table that `enqueue` has added and that are still there. */
  columns: string[];
  /** Table of vectors beside the legacy table that `enqueue` has made, quoted; null where there is none. */
  table: string | null;
  /** Whether the staging table is there. */
  stage: boolean;
  /** Bare names of indexes and columns that look like ours and were there before, or are not known to be ours. */
  kept: string[];
}

export async function addedObjects(db: Queryable, target: Target): Promise<AddedObjects> {
  const columns = await knownColumns(db, target);
  const ours = columns.filter((row) => row.ours).map((row) => row.name);
  const made = await madeTable(db, target.backfill);
  const beside = made !== null && target.store.kind === 'table' ? [target.store.column] : [];
  const indexes = await knownIndexes(db, target, [...ours, ...beside], await leafIndexNames(db, target));
  return {
    indexes: indexes.filter((row) => row.ours),
    columns: ours,
    table: made?.table ?? null,
    stage: await hasStage(db, target),
    kept: [...columns, ...indexes].filter((row) => !row.ours).map((row) => row.name),
  };
}

/** What is left where the legacy table itself is gone. */
export const withoutLegacyTable = async (db: Queryable, target: Target): Promise<AddedObjects> => ({
  indexes: [],
  columns: [],
  table: (await madeTable(db, target.backfill))?.table ?? null,
  stage: await hasStage(db, target),
  kept: [],
});

async function hasStage(db: Queryable, target: Target): Promise<boolean> {
  const found = await db.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS present', [
    target.stage,
  ]);
  return found.rows[0]?.present === true;
}

export const dropColumnsSql = (target: Target, columns: readonly string[]): string =>
  `ALTER TABLE ${target.table} ${columns.map((name) => `DROP COLUMN IF EXISTS ${quoteName(name)}`).join(', ')}`;

const leafIndexNames = async (db: Queryable, target: Target): Promise<string[]> =>
  target.store.isPartitioned
    ? (await leavesOf(db, target.table)).map((leaf) => leafTarget(target, leaf).indexName)
    : [];

/** That of a partitioned table cannot be dropped concurrently: a moment's lock of it and of all partitions. */
export const dropAddedIndexSql = (index: AddedIndex): string =>
  `DROP INDEX ${index.isPartitioned ? '' : 'CONCURRENTLY '}IF EXISTS ${quoteQualified(index)}`;

/** Its policy and its index go with it. */
export const dropTableSql = (table: string): string => `DROP TABLE IF EXISTS ${table}`;

export const dropStageSql = (target: Target): string => `DROP TABLE IF EXISTS ${target.stage}`;
