/**
 * Tables in parts. A partitioned table holds no row and no page of its own, and its index none of its own entries: what
 * there is of it is the sum over its leaves. An ordinary table is its only leaf.
 */

import type { Queryable } from '../db/pool.ts';

export interface Leaf {
  oid: string;
  schema: string;
  name: string;
  /** pg_class.relkind: r, or f of a foreign table. */
  kind: string;
}

/** SQL of the relations that hold a table's rows, as one column `relid`. @param table SQL of a regclass */
export const leavesSql = (table: string): string =>
  `(SELECT relid FROM pg_partition_tree(${table}) WHERE isleaf
    UNION SELECT oid FROM pg_class WHERE oid = ${table} AND relkind <> 'p')`;

/** SQL of a table and all that is below it, as one column `relid`. @param table SQL of a regclass */
export const treeSql = (table: string): string =>
  `(SELECT relid FROM pg_partition_tree(${table}) UNION SELECT ${table})`;

/** SQL of the bytes of a table or index, float8: its main fork, all leaves together. @param relation SQL of a regclass */
export const relationBytesSql = (relation: string): string =>
  `coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(${relation}) WHERE isleaf), pg_relation_size(${relation}))::float8`;

/** In the order of their names. @param table quoted */
export async function leavesOf(db: Queryable, table: string): Promise<Leaf[]> {
  const found = await db.query<Leaf>(
    `SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid
       JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 2, 3`,
    [table],
  );
  return found.rows;
}
