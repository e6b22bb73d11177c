/** What the storage of a generation takes, and what of it comes back when it goes. */

import { quoteQualified, type QualifiedName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { leavesSql } from '../../table/partitions.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { AddedObjects } from '../added-objects.ts';

export interface StorageBytes {
  /** At once. */
  index: number;
  staging: number;
  /** The same of vectors beside the legacy table, without their index; absent where there are none. */
  table?: number;
  /** About, and only once the rows are rewritten: a dropped column stays in those that are there. */
  column: number;
}

export async function storageBytes(
  db: Queryable,
  target: Target,
  { indexes, columns, table, stage }: AddedObjects,
): Promise<StorageBytes> {
  const index = await indexBytes(db, indexes);
  return {
    index,
    staging: stage ? await relationBytes(db, target.stage) : 0,
    ...(table === null ? {} : { table: Math.max(0, (await relationBytes(db, table)) - index) }),
    column: columns.length === 0 ? 0 : await columnBytes(db, target, columns),
  };
}

/** All of each, also of the parts of one on a partitioned table. */
export async function indexBytes(db: Queryable, indexes: readonly QualifiedName[]): Promise<number> {
  const found = await db.query<{ bytes: number }>(
    `SELECT coalesce(sum(coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(index) WHERE isleaf),
                                  pg_total_relation_size(index))), 0)::float8 AS bytes
       FROM (SELECT to_regclass(name) AS index FROM unnest($1::text[]) name) named`,
    [indexes.map((each) => quoteQualified(each))],
  );
  return found.rows[0]?.bytes ?? 0;
}

/** With its indexes and what lies out of line; 0 where it is not there. @param table quoted */
export async function relationBytes(db: Queryable, table: string): Promise<number> {
  const found = await db.query<{ bytes: number }>(
    'SELECT coalesce(pg_total_relation_size(to_regclass($1)), 0)::float8 AS bytes',
    [table],
  );
  return found.rows[0]?.bytes ?? 0;
}

/**
 * By the number of rows that hold a value and the length of one. The width that ANALYZE has found would be that of a pointer
 * where vectors lie out of line; that of a vector is in its type (pgvector: 8 bytes, then 4 or 2 for each dimension).
 */
async function columnBytes(db: Queryable, target: Target, columns: readonly string[]): Promise<number> {
  const rows = await estimatedRows(db, target.table);
  if (rows === 0) return 0;
  const staged = Math.min(1, (await stagedRows(db, target)) / rows);
  const found = await db.query<{ width: number; share: number | null }>(
    `SELECT coalesce(CASE WHEN t.typname = 'vector' THEN 8 + 4 * nullif(a.atttypmod, -1) WHEN t.typname = 'halfvec' THEN 8 + 2 * nullif(a.atttypmod, -1)
                          WHEN a.attlen > 0 THEN a.attlen END, max(s.avg_width), 0)::float8 AS width,
            (sum((1 - s.null_frac) * greatest(c.reltuples, 0)) / nullif(sum(greatest(c.reltuples, 0)) FILTER (WHERE s.attname IS NOT NULL), 0))::float8 AS share
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       CROSS JOIN ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
      WHERE a.attrelid = $1::regclass AND a.attname = ANY ($2) AND NOT a.attisdropped
      GROUP BY a.attname, t.typname, a.atttypmod, a.attlen`,
    [target.table, columns],
  );
  // Before the first ANALYZE of the column: rows with a vector are staged.
  return Math.round(found.rows.reduce((sum, { width, share }) => sum + width * rows * (share ?? staged), 0));
}

async function stagedRows(db: Queryable, { stage }: Target): Promise<number> {
  const found = await db.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS present', [
    stage,
  ]);
  return found.rows[0]?.present === true ? estimatedRows(db, stage) : Infinity;
}
