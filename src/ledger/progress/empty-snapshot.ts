/** Of a backfill of which nothing is planned. */

import type { ReadSummary } from '../reads/read-stats.ts';
import type { ProgressSnapshot } from './snapshot.ts';

export const EMPTY_SNAPSHOT: Omit<
  ProgressSnapshot,
  | 'backfill'
  | 'generation'
  | 'readOnly'
  | 'sync'
  | 'throttle'
  | 'tuned'
  | 'workers'
  | 'readMode'
  | keyof ReadSummary
> = {
  run: null,
  stall: null,
  idleSeconds: null,
  state: 'none',
  reason: 'nothing is planned yet: run `pgvector-backfill enqueue`',
  rows: {
    eligible: 0,
    embedded: 0,
    skipped: 0,
    quarantined: 0,
    pending: 0,
    staged: 0,
    stale: 0,
    truncated: 0,
    adopted: 0,
  },
  adoption: null,
  masked: {},
  model: null,
  table: null,
  coverage: 0,
  rowsPerSecond: null,
  etaSeconds: null,
  batches: { pending: 0, staged: 0, merged: 0, failed: 0, retries: 0 },
  tokens: 0,
  tableGrowth: { forecast: null, actual: null },
  index: {
    name: null,
    method: null,
    valid: false,
    phase: null,
    progress: null,
    secondsLeft: null,
    forecast: null,
    actual: null,
    blockers: [],
    seenSecondsAgo: null,
  },
  inProgress: [],
  longestStatementMs: null,
};
