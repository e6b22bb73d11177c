/** What the applications' searches have counted: comparisons of shadow reads, the canary's answers, interleaved ones. */

import type { Queryable } from '../../db/pool.ts';
import { interleavingOf, type InterleavingSummary } from './interleaving.ts';
import { BUCKETS, emptyHistogram, histogramPercentile } from '../../observability/histogram.ts';

/** Counts and sums since the last time they were handed over. */
export interface ReadCounts {
  /** Shadow searches that were compared; `overlap` and `rankCorrelation` are sums over them. */
  searches: number;
  errors: number;
  timeouts: number;
  skipped: number;
  overlap: number;
  rankCorrelation: number;
  legacyMs: number[];
  vectorMs: number[];
  canaryVector: number;
  canaryLegacy: number;
  canaryErrors: number;
}

export const emptyCounts = (): ReadCounts => ({
  searches: 0,
  errors: 0,
  timeouts: 0,
  skipped: 0,
  overlap: 0,
  rankCorrelation: 0,
  legacyMs: emptyHistogram(),
  vectorMs: emptyHistogram(),
  canaryVector: 0,
  canaryLegacy: 0,
  canaryErrors: 0,
});

/** Adds two arrays, element by element, in the SET of an upsert whose table is `s`. */
export const addArraysSql = (column: string): string =>
  `${column} = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
                  FROM unnest(s.${column}, excluded.${column}) WITH ORDINALITY AS t (a, b, place))`;

/** Adds to what other processes have counted. Nothing where the backfill is gone. */
export async function addReadCounts(db: Queryable, backfill: string, counts: ReadCounts): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.read_stats AS s
       (backfill, searches, errors, timeouts, skipped, overlap, rank_correlation, legacy_ms, vector_ms, canary_vector, canary_legacy, canary_errors)
     SELECT name, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM pgvector_backfill.backfill WHERE name = $1
     ON CONFLICT (backfill) DO UPDATE SET searches = s.searches + excluded.searches, errors = s.errors + excluded.errors,
       timeouts = s.timeouts + excluded.timeouts, skipped = s.skipped + excluded.skipped, overlap = s.overlap + excluded.overlap,
       rank_correlation = s.rank_correlation + excluded.rank_correlation, ${addArraysSql('legacy_ms')}, ${addArraysSql('vector_ms')},
       canary_vector = s.canary_vector + excluded.canary_vector, canary_legacy = s.canary_legacy + excluded.canary_legacy,
       canary_errors = s.canary_errors + excluded.canary_errors`,
    [
      backfill,
      counts.searches,
      counts.errors,
      counts.timeouts,
      counts.skipped,
      counts.overlap,
      counts.rankCorrelation,
      counts.legacyMs,
      counts.vectorMs,
      counts.canaryVector,
      counts.canaryLegacy,
      counts.canaryErrors,
    ],
  );
}

/** Counting begins again. */
export async function clearReadCounts(db: Queryable, backfill: string): Promise<void> {
  await db.query('DELETE FROM pgvector_backfill.read_stats WHERE backfill = $1', [backfill]);
}

export interface Times {
  /** ms, within 19 %; null where nothing was measured. */
  p50: number | null;
  p95: number | null;
}

export interface ShadowSummary {
  /** Compared searches; errors, timeouts and skipped ones are not among them. */
  searches: number;
  errors: number;
  timeouts: number;
  skipped: number;
  /** Mean overlap@k of legacy and vector, 0 to 1; null where nothing was compared. */
  overlap: number | null;
  /** Mean rank-biased overlap, 0 to 1. */
  rankCorrelation: number | null;
  legacyMs: Times;
  vectorMs: Times;
}

export interface ReadSummary {
  shadow: ShadowSummary;
  /** Answers by either search while the mode was canary; `errors` are among `legacy`. */
  canary: { vector: number; legacy: number; errors: number };
  /** Whose hits were clicked, the newest comparison first; none before the first interleaved answer. */
  interleaving: InterleavingSummary[];
}

interface StatsRow extends Omit<ReadCounts, 'legacyMs' | 'vectorMs'> {
  interleaved?: Record<string, unknown> | null;
  legacyMs: number[];
  vectorMs: number[];
}

export async function readSummary(db: Queryable, backfill: string): Promise<ReadSummary> {
  const found = await db.query<StatsRow>(
    `SELECT searches::float8 AS searches, errors::float8 AS errors, timeouts::float8 AS timeouts, skipped::float8 AS skipped,
            overlap, rank_correlation AS "rankCorrelation", legacy_ms::float8[] AS "legacyMs", vector_ms::float8[] AS "vectorMs",
            canary_vector::float8 AS "canaryVector", canary_legacy::float8 AS "canaryLegacy", canary_errors::float8 AS "canaryErrors",
            to_jsonb(s) -> 'interleaved' AS interleaved
       FROM pgvector_backfill.read_stats s WHERE backfill = $1`,
    [backfill],
  );
  const row: StatsRow = found.rows[0] ?? emptyCounts();
  const mean = (sum: number): number | null => (row.searches === 0 ? null : sum / row.searches);
  return {
    shadow: {
      searches: row.searches,
      errors: row.errors,
      timeouts: row.timeouts,
      skipped: row.skipped,
      overlap: mean(row.overlap),
      rankCorrelation: mean(row.rankCorrelation),
      legacyMs: timesOf(row.legacyMs),
      vectorMs: timesOf(row.vectorMs),
    },
    canary: { vector: row.canaryVector, legacy: row.canaryLegacy, errors: row.canaryErrors },
    interleaving: interleavingOf(row.interleaved ?? {}),
  };
}

const timesOf = (counts: readonly number[]): Times => {
  const known = counts.slice(0, BUCKETS);
  return { p50: histogramPercentile(known, 0.5), p95: histogramPercentile(known, 0.95) };
};
