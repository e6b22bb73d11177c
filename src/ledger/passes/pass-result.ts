/** What one pass of the watch has measured: figures and names of settings, never a text, a key or a vector. */

import type { ReadSettings } from '../reads/read-settings.ts';

export const WATCH_VERDICTS = [
  /** Recall is what the gate wants. */
  'good',
  /** Below it, but not by more than chance. */
  'unsure',
  /** Below it; more searching of the same index would reach it. */
  'settings',
  /** Below it; the index has worn out, and another build of it would reach it. */
  'rebuild',
  /** Below it, and neither would. */
  'low',
  /** Stored vectors are not those of the present texts. */
  'stale',
  /** Nothing to go by. */
  'not-measured',
] as const;
export type WatchVerdict = (typeof WATCH_VERDICTS)[number];

/** Verdicts that somebody has to do something about. */
export const BAD_VERDICTS: readonly WatchVerdict[] = ['settings', 'rebuild', 'low', 'stale'];

/** Vectors of rows, each without the row itself, or of searches of applications, as far as they are recorded. */
export type WatchSource = 'rows' | 'queries';

export interface WatchRecall {
  queries: number;
  /** Of the ten nearest rows, the share that the index has found, 0 to 1; low and high with 95 %. */
  recall: number;
  low: number;
  high: number;
}

/** With one value of the setting by which more of the index is searched. */
export interface WatchPoint {
  value: number;
  recall: Partial<Record<WatchSource, WatchRecall>>;
  /** Of a search by vector, the model's time apart. */
  p50Ms: number;
  p95Ms: number;
}

/** Searches that keep only a share of the rows. */
export interface FilteredCount {
  /** Of the rows that the condition keeps, 0 to 1. */
  selectivity: number;
  queries: number;
  /** k, or as many rows as there are. */
  wanted: number;
  /** Rows of the shortest answer of the index alone, and how many were shorter than wanted. */
  fewest: number;
  short: number;
}

export interface IndexWear {
  /** By PostgreSQL's statistics, of the table that holds the vectors. */
  liveRows: number;
  deadRows: number;
  /** Of vacuum, by hand or by itself; null where there was none. */
  vacuumedAt: string | null;
  indexBytes: number;
  /** Of an index of the present rows; null where it cannot be told. */
  forecastBytes: number | null;
  /** When it was built; null where that was not measured. */
  builtBytes: number | null;
  /** Of the entries that searches meet, the share that points at rows which are gone; null where that cannot be seen (HNSW only). */
  deadEntries: number | null;
}

export interface WatchResult {
  /** What the gate wants of recall@10. */
  wanted: number;
  /** Recall at the last passed verification with the same settings; null where none was. */
  verified: number | null;
  setting: 'hnsw.ef_search' | 'ivfflat.probes';
  /** With what reads have; then with more of it, where that was tried. */
  points: WatchPoint[];
  read: ReadSettings;
  /** Share of the vectors that the index was held against, 0 to 1. */
  compared: number;
  /** Why fewer queries were asked than wanted; null where all were. */
  cutShort: string | null;
  filtered: FilteredCount[];
  wear: IndexWear;
  /** Of rows that were embedded again: the largest 1 − cosine to what is stored; null where the model is not here. */
  freshness: { passed: boolean; worst: number | null; tolerance: number | null; detail: string } | null;
  sync: { pending: number; oldestSeconds: number | null };
  seconds: number;
}

/** With what reads have: of both sources the one that is worse. */
export function worstRecall({
  points,
}: Pick<WatchResult, 'points'>): (WatchRecall & { of: WatchSource }) | null {
  const each = Object.entries(points[0]?.recall ?? {}) as [WatchSource, WatchRecall][];
  const [worst] = each.toSorted(([, a], [, b]) => a.high - b.high);
  return worst === undefined ? null : { ...worst[1], of: worst[0] };
}
