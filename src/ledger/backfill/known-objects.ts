/** Columns and indexes of the legacy table that look like ours, and whether the ledger knows them to be: the others were there before. */

import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';
import { leavesSql } from '../../table/partitions.ts';

interface Known {
  name: string;
  ours: boolean;
}

/** Those that `enqueue` has added, as it has noted them; others under the names that are configured. */
export async function knownColumns(db: Queryable, target: Target): Promise<Known[]> {
  const found = await db.query<Known>(
    `SELECT a.attname::text AS name, a.attname = ANY (b.added_columns) AS ours
       FROM pgvector_backfill.backfill b
       JOIN pg_attribute a ON a.attrelid = $2::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND (a.attname = ANY (b.added_columns) OR a.attname = ANY ($3))
      WHERE b.name = $1 ORDER BY a.attnum`,
    [
      target.backfill,
      target.table,
      target.store.kind === 'column' ? [target.column, target.updatedAtColumn] : [],
    ],
  );
  return found.rows;
}

export interface AddedIndex {
  schema: string;
  name: string;
  /** Of a partitioned table: dropping it drops those of its partitions. */
  isPartitioned: boolean;
}

/**
 * An index over a column of ours cannot be older than it; over one that was there before, only a build of ours is ours.
 * One that a build of a partition has left before it was attached has nobody to go with.
 * @param ours columns @param leafIndexes names of the indexes of partitions
 */
export async function knownIndexes(
  db: Queryable,
  target: Target,
  ours: readonly string[],
  leafIndexes: readonly string[],
): Promise<(AddedIndex & Known)[]> {
  const found = await db.query<AddedIndex & Known>(
    `SELECT c.relname::text AS name, n.nspname::text AS schema, c.relkind = 'I' AS "isPartitioned",
            EXISTS (SELECT 1 FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                     WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                       AND d.refobjid = i.indrelid AND a.attname = ANY ($4))
            OR EXISTS (SELECT 1 FROM pgvector_backfill.event e
                           WHERE e.backfill = $1 AND e.kind = 'index.built' AND starts_with(e.message, c.relname || ' ')) AS ours
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE (i.indrelid = to_regclass($6)
             AND (c.relname = $3 OR c.relname IN (SELECT r.index_name FROM pgvector_backfill.run r WHERE r.backfill = $1)))
         OR (i.indrelid IN ${leavesSql('$2::regclass')} AND c.relname = ANY ($5) AND NOT c.relispartition)
      ORDER BY 1`,
    [target.backfill, target.table, target.indexName, ours, leafIndexes, target.store.table],
  );
  return found.rows;
}
