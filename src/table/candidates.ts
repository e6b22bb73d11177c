/**
 * What an index scan finds and is no answer yet: rows by their bits, which are to be compared by their vectors, and passages, of
 * which several may be of one row.
 */

import type { Target } from './backfill-target.ts';

type Scanned = Pick<Target, 'indexed' | 'hasPassages'>;

/** Whether the order of the index is not the metric's. */
export const isReranked = ({ indexed }: Pick<Target, 'indexed'>): boolean => indexed.type === 'bit';

export const hasCandidates = (target: Scanned): boolean => isReranked(target) || target.hasPassages;

/** Of k rows the last ones are as hard to find by bits as the first. */
const BITS_PER_ROW = 4;
/** The nearest passages of a query are of fewer rows. */
const PASSAGES_PER_ROW = 4;

const perRow = (target: Scanned): number =>
  (isReranked(target) ? BITS_PER_ROW : 1) * (target.hasPassages ? PASSAGES_PER_ROW : 1);

/** Entries that the index is to be asked for, for `k` rows to be found. */
export const scanDepth = (target: Scanned, k: number): number => perRow(target) * k;

/**
 * LIMIT of the scan for `k` rows: as many candidates as it looks for at a time, which is set before, or more where `k` is large: an
 * iterative scan goes on.
 */
export function candidatesSql(target: Scanned, k: string): string {
  if (!hasCandidates(target)) return k;
  const depth = `${k}::pg_catalog.int8 OPERATOR(pg_catalog.*) ${perRow(target)}`;
  return target.indexed.method === 'hnsw'
    ? `greatest(${depth}, pg_catalog.current_setting('hnsw.ef_search')::pg_catalog.int8)`
    : depth;
}

/**
 * The `k` nearest rows of what a scan gives, each by the best that it has there. @param scan with these columns and `distance`
 * @param key columns of the key, as SQL
 */
export function nearestOfSql(
  { hasPassages }: Pick<Target, 'hasPassages'>,
  scan: string,
  key: readonly string[],
  k: string,
): string {
  const columns = key.map((column) => `pgvb_candidates.${column}`).join(', ');
  const from = `FROM (${scan}) AS pgvb_candidates`;
  return hasPassages
    ? `SELECT ${columns}, pg_catalog.min(pgvb_candidates.distance) AS distance ${from} GROUP BY ${columns} ORDER BY distance LIMIT ${k}`
    : `SELECT ${columns}, pgvb_candidates.distance ${from} ORDER BY pgvb_candidates.distance LIMIT ${k}`;
}
