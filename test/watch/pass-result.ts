/** What a pass of a well index has measured, but for what a test says. */

import type { WatchRecall, WatchResult } from '../../src/ledger/passes/pass-result.ts';
import { wilson } from '../../src/relevance/wilson.ts';

export const measured = (recall: number, queries = 100): WatchRecall => ({
  queries,
  recall,
  ...wilson(10 * queries * recall, 10 * queries),
});
export const point = (value: number, recall: number): WatchResult['points'][number] => ({
  value,
  recall: { rows: measured(recall) },
  p50Ms: value / 40,
  p95Ms: value / 20,
});
export const unworn: WatchResult['wear'] = {
  liveRows: 1000,
  deadRows: 20,
  vacuumedAt: null,
  indexBytes: 110,
  forecastBytes: 100,
  builtBytes: 100,
  deadEntries: 0.02,
};
export const passResult = (changes: Partial<WatchResult> = {}): WatchResult => ({
  wanted: 0.9,
  verified: null,
  setting: 'hnsw.ef_search',
  points: [point(40, 0.95)],
  read: {},
  compared: 1,
  cutShort: null,
  filtered: [],
  wear: unworn,
  freshness: { passed: true, worst: 0, tolerance: 1e-5, detail: '' },
  sync: { pending: 0, oldestSeconds: null },
  seconds: 1,
  ...changes,
});
