/**
 * How many rows a table has, without reading it: by the server's statistics where they are of the table as it is now, and by
 * the density of sampled pages where nobody has analysed it, or it has changed since.
 */

import { quoteQualified } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState, isUnreachable } from '../db/sqlstates.ts';
import { leavesSql } from './partitions.ts';
import type { Store } from './store.ts';
import { sampledPagesSql } from './sample-rows.ts';

/** Of all that is sampled at once; they are read in no time. */
const SAMPLED_PAGES = 1000;
/** Where the rows lie on few of them: 64 MB. */
const MORE_PAGES = 8 * SAMPLED_PAGES;
/** Relative standard error from which on more pages are looked at; evenly filled ones come to 3 %. */
const ENOUGH = 0.06;
/** Share of pages or rows that may have changed since ANALYZE. */
const CHANGED_SHARE = 0.1;

interface LeafRow {
  oid: string;
  schema: string;
  name: string;
  pages: number;
  /** By the statistics; null where they are none, or not of the table as it is. */
  rows: number | null;
  /** Of tables of its own, whose pages can be drawn. */
  drawable: boolean;
}

export interface LeafRows {
  oid: string;
  rows: number;
}

/** @param table quoted */
export async function estimatedRows(db: Queryable, table: string): Promise<number> {
  const leaves = await estimatedLeafRows(db, table);
  return leaves.reduce((sum, { rows }) => sum + rows, 0);
}

/**
 * Rows that the largest single index build has before it, of `rows` in all: an index of a partitioned table is built leaf by
 * leaf. @param of the table that is indexed, which need not be there yet
 */
export async function rowsOfLargestLeaf(
  db: Queryable,
  { table, isPartitioned }: Pick<Store, 'table' | 'isPartitioned'>,
  rows: number,
): Promise<number> {
  if (!isPartitioned) return rows;
  const leaves = await estimatedLeafRows(db, table);
  if (leaves.length < 2) return rows;
  const weights = leaves.map((leaf) => leaf.rows);
  const total = weights.reduce((sum, each) => sum + each, 0);
  return total === 0 ? rows : Math.ceil((rows * Math.max(...weights)) / total);
}

/** Of each relation that holds rows of the table, which is its only one where it is not partitioned. @param table quoted */
async function estimatedLeafRows(db: Queryable, table: string): Promise<LeafRows[]> {
  const leaves = await leafStatistics(db, table);
  const drawn = await drawnRows(db, table, leaves);
  return Promise.all(
    leaves.map(async (leaf) => ({
      oid: leaf.oid,
      rows: leaf.rows ?? drawn.get(leaf.oid) ?? (leaf.drawable ? 0 : await plannedRows(db, leaf)),
    })),
  );
}

async function leafStatistics(db: Queryable, table: string): Promise<LeafRow[]> {
  const found = await db.query<LeafRow>(
    `SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, pages::float8 AS pages,
            c.relkind IN ('r', 'm') AS drawable,
            CASE WHEN pages = 0 AND c.relkind IN ('r', 'm') THEN 0
                 WHEN c.reltuples >= 0 AND c.relpages > 0 AND abs(pages - c.relpages) <= ${CHANGED_SHARE} * c.relpages
                  AND coalesce(pg_stat_get_mod_since_analyze(c.oid), 0) <= ${CHANGED_SHARE} * c.reltuples
                 THEN c.reltuples / c.relpages * pages END::float8 AS rows
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid JOIN pg_namespace n ON n.oid = c.relnamespace,
            LATERAL (SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint) AS size (pages)`,
    [table],
  );
  return found.rows;
}

/** Of some of their pages. */
async function drawnRows(
  db: Queryable,
  table: string,
  leaves: readonly LeafRow[],
): Promise<Map<string, number>> {
  const unknown = leaves.filter((leaf) => leaf.rows === null && leaf.drawable);
  if (unknown.length === 0) return new Map();
  try {
    // Each by itself: one that is analysed, beside it, may be a hundred times as large.
    const each = unknown.map(({ oid, schema, name }) =>
      sampleOf(`'${oid}'`, `ONLY ${quoteQualified({ schema, name })}`),
    );
    return await drawnEnough(db, each.join(' UNION ALL '), pagesOf(unknown));
  } catch (error) {
    // A part that this role reads by the table above it alone, or that has just been detached.
    if (!hasSqlState(error, SQLSTATE.privilege, SQLSTATE.tableMissing)) throw error;
    return drawnEnough(db, sampleOf('tableoid::oid::text', table), pagesOf(leaves));
  }
}

const pagesOf = (leaves: readonly LeafRow[]): number => leaves.reduce((sum, leaf) => sum + leaf.pages, 0);

const sampleOf = (oid: string, from: string): string =>
  `SELECT ${oid} AS oid, (ctid::text::point)[0] AS page FROM ${from} ${sampledPagesSql()}`;

/** Of more pages where it turns out that they are filled so unevenly that some tell too little. */
async function drawnEnough(db: Queryable, sample: string, pages: number): Promise<Map<string, number>> {
  const share = Math.min(1, SAMPLED_PAGES / pages);
  let [taken, drawn] = [share, await draw(db, sample, share)];
  const sum = (field: 'rows' | 'squares'): number => drawn.reduce((total, each) => total + each[field], 0);
  const error = Math.sqrt((1 - share) * sum('squares')) / sum('rows');
  // Not a number where there was no row at all.
  if (share < 1 && !(error < ENOUGH)) {
    taken = Math.min(1, MORE_PAGES / pages);
    drawn = await draw(db, sample, taken);
  }
  return new Map(drawn.map(({ oid, rows }) => [oid, rows / taken]));
}

interface Drawn {
  oid: string;
  rows: number;
  squares: number;
}

async function draw(db: Queryable, sample: string, share: number): Promise<Drawn[]> {
  const found = await db.query<Drawn>(
    `SELECT oid, sum(n)::float8 AS rows, sum(n * n)::float8 AS squares
       FROM (SELECT oid, page, count(*) AS n FROM (${sample}) drawn GROUP BY oid, page) pages GROUP BY oid`,
    [100 * share],
  );
  return found.rows;
}

/** Rows of foreign tables cannot be sampled; a server that does not answer, or nobody asks, tells of none. */
async function plannedRows(db: Queryable, { schema, name }: LeafRow): Promise<number> {
  const planned = await db
    .query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
      `EXPLAIN (FORMAT JSON) SELECT FROM ${quoteQualified({ schema, name })}`,
    )
    .catch((error: unknown) => {
      if (isUnreachable(error)) throw error;
      return { rows: [] };
    });
  return planned.rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}
