/** Does a filtered search bring as many rows as there are? An index scan stops at its candidates, matching or not. */

import { filterFault, filterSql, filterValues, type Filter } from '../../search/queries/filter.ts';
import type { ReadSettings } from '../../ledger/reads/read-settings.ts';
import { nearestOfEach } from '../../search/queries/vector-query.ts';
import { vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import type { Check } from '../check.ts';
import { RECALL_K } from './recall.ts';
import type { SearchContext } from './systems.ts';

export interface FilteredRows {
  filter: string;
  /** Rows with a vector that match, and their share of all. */
  matching: number;
  share: number;
  /** Fewest rows of a query, and what it should have been: k, or all that match where these are fewer. */
  fewest: number;
  wanted: number;
  queries: number;
  /** Settings with which every query has them; null where that is so already, or none was found. */
  repairedBy: ReadSettings | null;
}

/** @throws ConfigError where the filter does not run. */
export async function measureFilteredRows(
  context: SearchContext,
  filter: Filter,
  vectors: readonly string[],
): Promise<FilteredRows> {
  const { matching, all, entries } = await countMatching(context, filter);
  const wanted = Math.min(RECALL_K, matching);
  const fewest = await minRows(context, filter, vectors, context.read);
  return {
    filter: filter.name,
    matching,
    share: all === 0 ? 0 : matching / all,
    fewest,
    wanted,
    queries: vectors.length,
    repairedBy: fewest >= wanted ? null : await findRepair(context, filter, vectors, { entries, wanted }),
  };
}

async function minRows(
  { pool, target, settings }: SearchContext,
  filter: Filter,
  vectors: readonly string[],
  read: ReadSettings,
): Promise<number> {
  const options = { filter, read };
  const found = await nearestOfEach(pool, target, settings.metric, vectors, RECALL_K, 'index', options);
  return Math.min(...found.map(({ neighbours }) => neighbours.length));
}

/** The remedies, tried out, from the cheapest on. */
async function findRepair(
  context: SearchContext,
  filter: Filter,
  vectors: readonly string[],
  { entries, wanted }: { entries: number; wanted: number },
): Promise<ReadSettings | null> {
  const hnsw = context.target.indexed.method === 'hnsw';
  const iterative: ReadSettings = hnsw
    ? { 'hnsw.iterative_scan': 'strict_order' }
    : { 'ivfflat.iterative_scan': 'relaxed_order' };
  const whole: ReadSettings = { ...iterative, 'hnsw.max_scan_tuples': String(Math.max(1, entries)) };
  for (const repair of hnsw ? [iterative, whole] : [iterative])
    if ((await minRows(context, filter, vectors, { ...context.read, ...repair })) >= wanted) return repair;
  return null;
}

async function countMatching(
  { pool, target }: SearchContext,
  filter: Filter,
): Promise<{ matching: number; all: number; entries: number }> {
  const entries = target.hasPassages ? `(SELECT count(*) FROM ${target.store.table})` : 'count(*)';
  try {
    const found = await pool.query<{ matching: number; all: number; entries: number }>(
      `SELECT count(*)::float8 AS "all", count(*) FILTER (WHERE true${filterSql(filter)})::float8 AS matching, ${entries}::float8 AS entries
         FROM ${vectorRows(target, 'first')} WHERE ${target.where} AND ${vectorColumn(target)} IS NOT NULL`,
      filterValues(filter),
    );
    return found.rows[0] ?? { matching: 0, all: 0, entries: 0 };
  } catch (error) {
    throw filterFault(error, filter);
  }
}

export function filteredRowsCheck(rows: FilteredRows): Check {
  const passed = rows.fewest >= rows.wanted;
  const repair = Object.entries(rows.repairedBy ?? {}).map(([name, value]) => `${name} = ${value}`);
  return {
    name: `filter-rows:${rows.filter}`,
    passed,
    value: rows.fewest,
    threshold: rows.wanted,
    detail: `fewest rows of ${rows.queries} queries by the index; the filter keeps ${rows.matching} rows (${(100 * rows.share).toFixed(2)} %)`,
    remedy: passed
      ? null
      : repair.length > 0
        ? `Set ${repair.join(', ')} (ALTER DATABASE … SET, or SET LOCAL in the search): with it every query has its rows. For a filter that is used much, build a partial index.`
        : 'Build a partial index for this filter; iterative scans (pgvector 0.8 or newer, hnsw.iterative_scan, hnsw.max_scan_tuples) do not bring enough rows.',
  };
}
