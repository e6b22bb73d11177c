/**
 * What an index scan finds and is no answer yet: rows by their bits, which are to be compared by their vectors, and passages, of
 * which several may be of one row.
 */

import type { Target } from './backfill-target.ts';

type Scanned = Pick<Target, 'indexed' | 'hasPassages'>;

/** Whether the order of the index is not the metric's. */
export const isReranked = ({ indexed }: Pick<Target, 'indexed'>): boolean => indexed.type === 'bit';

/** Of k rows the last ones are as hard to find by bits as the first. */
const BITS_PER_ROW = 4;
/** The nearest passages of a query are of fewer rows. Where they are of fewer still, the scan goes on by itself. */
const PASSAGES_PER_ROW = 2;

const perRow = (target: Scanned): number =>
  (isReranked(target) ? BITS_PER_ROW : 1) * (target.hasPassages ? PASSAGES_PER_ROW : 1);

/** Entries that the index is to be asked for, for `k` rows to be found. */
export const scanDepth = (target: Scanned, k: number): number => perRow(target) * k;

/**
 * LIMIT of a scan for candidates of `k` rows: as many as it looks for at a time, which is set before, or more where `k` is large:
 * an iterative scan goes on.
 */
export const candidatesSql = (target: Scanned, k: string): string =>
  `greatest(${k}::pg_catalog.int8 OPERATOR(pg_catalog.*) ${perRow(target)}, pg_catalog.current_setting('hnsw.ef_search')::pg_catalog.int8)`;

/** The `k` nearest of the candidates by their distance. @param columns of the scan, as SQL */
export const rerankedSql = (scan: string, columns: readonly string[], k: string): string =>
  `SELECT ${columns.map((column) => `pgvb_candidates.${column}`).join(', ')} FROM (${scan}) AS pgvb_candidates ORDER BY pgvb_candidates.distance LIMIT ${k}`;
