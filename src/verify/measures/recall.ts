/** Recall@10 and latency of the index against exact search, measured together so that both see the same cache. */

import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { MAX_EF_SEARCH, type ReadSettings } from '../../ledger/reads/read-settings.ts';
import { nearestOfEach, type Neighbour } from '../../search/queries/vector-query.ts';
import type { Target } from '../../table/backfill-target.ts';
import { sampleRows } from '../queries/sampled-rows.ts';

export const RECALL_K = 10;
/** Queries of one transaction: few enough to be short where each takes long. */
export const GROUP = 10;
/** Distances this close are the same distance: repeated texts have many rows at one place, in no order. */
const TIE = 1e-6;

export interface RecallResult {
  /** Mean over the queries, 0 to 1; null where there was nothing to ask. */
  recall: number | null;
  queries: number;
  indexMs: number[];
  exactMs: number[];
}

/** Share of the exact answer's places that the index filled with rows as near. Neither list holds the query's own row. */
export function recallOf(exact: readonly Neighbour[], found: readonly Neighbour[]): number {
  const last = exact.at(-1);
  if (last === undefined) return 1;
  return Math.min(1, found.filter((each) => each.distance <= last.distance + TIE).length / exact.length);
}

/** The `k` best of a list that may hold the query's own row, which is its own nearest neighbour and says nothing. */
export const withoutOwn = (list: readonly Neighbour[], own: string | null, k = RECALL_K): Neighbour[] =>
  list.filter(({ key }) => key !== own).slice(0, k);

/** For a row as query: one candidate more, for the row itself, or the smallest list could not hold k others. */
export function besideOwn(read: ReadSettings): ReadSettings {
  const candidates = read['hnsw.ef_search'];
  return candidates === undefined
    ? read
    : { ...read, 'hnsw.ef_search': String(Math.min(MAX_EF_SEARCH, Number(candidates) + 1)) };
}

export async function measureRecall(
  pool: Pool,
  target: Target,
  settings: Settings,
  embedded: number,
  read: ReadSettings,
): Promise<RecallResult> {
  const rows = await sampleRows(pool, target, embedded, settings.verify.samples);
  const options = { read: besideOwn(read) };
  const result: RecallResult = { recall: null, queries: 0, indexMs: [], exactMs: [] };
  let sum = 0;
  for (let at = 0; at < rows.length; at += GROUP) {
    const group = rows.slice(at, at + GROUP);
    const vectors = group.map(({ vector }) => vector);
    // One more than k, for the row itself.
    const k = RECALL_K + 1;
    const index = await nearestOfEach(pool, target, settings.metric, vectors, k, 'index', options);
    const exact = await nearestOfEach(pool, target, settings.metric, vectors, k, 'exact');
    for (const [place, { key }] of group.entries())
      sum += recallOf(
        withoutOwn(exact[place]?.neighbours ?? [], key),
        withoutOwn(index[place]?.neighbours ?? [], key),
      );
    result.indexMs.push(...index.map(({ milliseconds }) => milliseconds));
    result.exactMs.push(...exact.map(({ milliseconds }) => milliseconds));
    result.queries += group.length;
  }
  if (result.queries > 0) result.recall = sum / result.queries;
  return result;
}

/** Nearest-rank percentile; null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null;
}
