/** What comes out of the run, and how it is told. */

import type { OnProgress } from '../../../src/observability/progress.ts';
import type { PhaseTimes } from './clients-child.ts';

export interface NewModelOptions {
  texts: readonly string[];
  writesPerSecond: number;
  /** Of each phase in which nothing but reading is looked at. */
  seconds: number;
  onProgress?: OnProgress;
}

export interface NewModelResult {
  machine: { cpu: string; cores: number };
  rows: number;
  writes: number;
  /** Those of them that changed a text, added a row or deleted one. */
  changes: number;
  writesPerSecond: number;
  dimensions: [before: number, after: number];
  searches: number;
  byGeneration: Record<string, number>;
  failed: number;
  /** Hits whose distance is not that of the model which the answer names, and answers that name none. */
  mixed: number;
  inconsistent: number;
  checkedHits: number;
  /** Rows whose vector is not that of their text, of either generation, while both were there and at the end. */
  different: Record<string, number>;
  buildSeconds: number;
  kills: number;
  /** Of answers, ms, by phase. */
  reads: { phase: string; answers: number; p50: number; p95: number; p99: number; max: number }[];
  /** From the change in the ledger to the last answer that was begun by the generation left. */
  rollbackSeconds: number;
  /** As `complete` tells before, and by which the database was smaller behind it, with the writes going on. */
  bytes: { forecast: unknown; freed: number };
}

export function timesOf({ name, ms }: PhaseTimes): NewModelResult['reads'][number] {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { phase: name, answers: ms.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export function resultLines({ reads, ...result }: NewModelResult): string[] {
  return [
    `${result.rows} rows, ${result.writes} writes, ${result.changes} of them of what is embedded`,
    `${result.searches} searches, ${result.failed} failed, ${result.mixed} mixed of ${result.checkedHits} hits held against their model, ${result.inconsistent} inconsistent`,
    `vectors that differ from their text: ${JSON.stringify(result.different)}`,
    ...reads.map(
      ({ phase, answers, p50, p95, p99, max }) =>
        `${phase}: ${answers} answers, p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)}, longest ${max.toFixed(0)} ms`,
    ),
    `built in ${result.buildSeconds.toFixed(0)} s with ${result.kills} kills of workers and verbs on the road; bytes back: ${JSON.stringify(result.bytes)}`,
  ];
}
