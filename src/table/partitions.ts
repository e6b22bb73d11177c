/**
 * Tables in parts. A partitioned table holds no row and no page of its own, and its index none of its own entries: what
 * there is of it is the sum over its leaves. An ordinary table is its only leaf.
 */

import type { Queryable } from '../db/pool.ts';
import { sampledPagesSql } from './sample-rows.ts';

export interface Leaf {
  oid: string;
  schema: string;
  name: string;
  /** pg_class.relkind: r, or f of a foreign table. */
  kind: string;
  /** The server's estimate. */
  rows: number;
  bytes: number;
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

/** Of a table without statistics: their density is within a few percent of the whole, and they are read in no time. */
const SAMPLED_PAGES = 1000;

/**
 * Rows by the server's statistics and the pages of today, as the planner sees them; of what has none, by the density of pages
 * sampled. The planner's own guess goes by the declared types there, and may be several times off. @param table quoted
 */
export async function estimatedRows(db: Queryable, table: string): Promise<number> {
  const found = await db.query<{
    rows: number;
    pages: number;
    unknown: boolean;
    drawable: boolean;
    parts: boolean;
  }>(
    `SELECT coalesce(sum(CASE WHEN c.relpages > 0 THEN greatest(c.reltuples, 0) / c.relpages * pages END), 0)::float8 AS rows,
            coalesce(sum(pages), 0)::float8 AS pages,
            coalesce(bool_or(pages > 0 AND (c.reltuples < 0 OR c.relpages = 0)), false) AS unknown,
            coalesce(bool_and(c.relkind IN ('r', 'm')), false) AS drawable,
            (SELECT relkind = 'p' FROM pg_class WHERE oid = $1::regclass) AS parts
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid,
            LATERAL (SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint) AS size (pages)`,
    [table],
  );
  const { rows = 0, pages = 0, unknown = false, drawable = false, parts = false } = found.rows[0] ?? {};
  if (!unknown) return rows;
  return drawable ? drawnRows(db, parts ? table : `ONLY ${table}`, pages) : plannedRows(db, table);
}

async function drawnRows(db: Queryable, table: string, pages: number): Promise<number> {
  const share = Math.min(1, SAMPLED_PAGES / pages);
  const drawn = await db.query<{ rows: number }>(
    `SELECT count(*)::float8 AS rows FROM ${table} ${sampledPagesSql()}`,
    [100 * share],
  );
  return (drawn.rows[0]?.rows ?? 0) / share;
}

/** Rows of foreign tables cannot be sampled. */
async function plannedRows(db: Queryable, table: string): Promise<number> {
  const planned = await db.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    `EXPLAIN (FORMAT JSON) SELECT FROM ${table}`,
  );
  return planned.rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/** In the order of their names. @param table quoted */
export async function leavesOf(db: Queryable, table: string): Promise<Leaf[]> {
  const found = await db.query<Leaf>(
    `SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
            greatest(c.reltuples, 0)::float8 AS rows, pg_relation_size(c.oid)::float8 AS bytes
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid
       JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 2, 3`,
    [table],
  );
  return found.rows;
}

/**
 * Rows that the largest single index build has before it, of `rows` in all: an index of a partitioned table is built leaf by
 * leaf. By the statistics, or by the pages where there are none.
 * @param table quoted
 */
export async function rowsOfLargestLeaf(db: Queryable, table: string, rows: number): Promise<number> {
  const leaves = await leavesOf(db, table);
  if (leaves.length < 2) return rows;
  const weights = leaves.every((leaf) => leaf.rows > 0)
    ? leaves.map((leaf) => leaf.rows)
    : leaves.map((leaf) => leaf.bytes);
  const total = weights.reduce((sum, each) => sum + each, 0);
  return total === 0 ? rows : Math.ceil((rows * Math.max(...weights)) / total);
}
