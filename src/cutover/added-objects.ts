/** What of a table and around it is there because of a backfill. What was there before is not among it. */

import { quoteName, quoteQualified } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { leavesOf, leavesSql } from '../table/partitions.ts';
import { leafTarget, type Target } from '../table/backfill-target.ts';

export interface AddedIndex {
  schema: string;
  name: string;
  /** Of a partitioned table: dropping it drops those of its partitions. */
  isPartitioned: boolean;
}

export interface AddedObjects {
  /** Indexes that were built by a run. */
  indexes: AddedIndex[];
  /** Columns of the legacy table that `enqueue` has added and that are still there. */
  columns: string[];
  /** Whether the staging table is there. */
  stage: boolean;
  /** Bare names of indexes and columns that look like ours and were there before, or are not known to be ours. */
  kept: string[];
}

export async function addedObjects(db: Queryable, target: Target): Promise<AddedObjects> {
  const columns = await db.query<{ name: string; ours: boolean }>(
    `SELECT a.attname::text AS name, a.attname = ANY (b.added_columns) AS ours
       FROM pgvector_backfill.backfill b
       JOIN pg_attribute a ON a.attrelid = $2::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND (a.attname = ANY (b.added_columns) OR a.attname = ANY ($3))
      WHERE b.name = $1 ORDER BY a.attnum`,
    [target.backfill, target.table, [target.column, target.updatedAtColumn]],
  );
  const ours = columns.rows.filter((row) => row.ours).map((row) => row.name);
  // An index over a column of ours cannot be older than it; over one that was there before, only a build of ours is ours.
  // One that a build of a partition has left before it was attached has nobody to go with.
  const indexes = await db.query<AddedIndex & { ours: boolean }>(
    `SELECT c.relname::text AS name, n.nspname::text AS schema, c.relkind = 'I' AS "isPartitioned",
            EXISTS (SELECT 1 FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                     WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                       AND d.refobjid = i.indrelid AND a.attname = ANY ($4))
            OR EXISTS (SELECT 1 FROM pgvector_backfill.event e
                           WHERE e.backfill = $1 AND e.kind = 'index.built' AND starts_with(e.message, c.relname || ' ')) AS ours
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE (i.indrelid = $2::regclass
             AND (c.relname = $3 OR c.relname IN (SELECT r.index_name FROM pgvector_backfill.run r WHERE r.backfill = $1)))
         OR (i.indrelid IN ${leavesSql('$2::regclass')} AND c.relname = ANY ($5) AND NOT c.relispartition)
      ORDER BY 1`,
    [target.backfill, target.table, target.indexName, ours, await leafIndexNames(db, target)],
  );
  return {
    indexes: indexes.rows.filter((row) => row.ours),
    columns: ours,
    stage: await hasStage(db, target),
    kept: [...columns.rows, ...indexes.rows].filter((row) => !row.ours).map((row) => row.name),
  };
}

/** What is left where the table itself is gone. */
export const stageAlone = async (db: Queryable, target: Target): Promise<AddedObjects> => ({
  indexes: [],
  columns: [],
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
  target.isPartitioned
    ? (await leavesOf(db, target.table)).map((leaf) => leafTarget(target, leaf).indexName)
    : [];

/** That of a partitioned table cannot be dropped concurrently: a moment's lock of it and of all partitions. */
export const dropAddedIndexSql = (index: AddedIndex): string =>
  `DROP INDEX ${index.isPartitioned ? '' : 'CONCURRENTLY '}IF EXISTS ${quoteQualified(index)}`;

export const dropStageSql = (target: Target): string => `DROP TABLE IF EXISTS ${target.stage}`;
