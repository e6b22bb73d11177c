/** One snapshot for the status line, JSON, metrics and dashboard, read from the ledger alone: it costs the legacy table nothing. */

import type { Queryable } from '../../db/pool.ts';
import { readOnlyReason } from '../../db/read-only.ts';
import { parseGenerationName } from '../../config/values/generation-name.ts';
import { MIN_SHARE_FOR_ETA, batchesInProgress, type BatchInProgress } from './batch-activity.ts';
import { sumBatches } from './batch-sums.ts';
import { EMPTY_SNAPSHOT } from './empty-snapshot.ts';
import { indexState, isBeingBuilt } from './index-state.ts';
import { coverageOf } from '../rows/accounting.ts';
import { readModeOf, type ReadModeState } from '../reads/read-mode.ts';
import { readSummary, type ReadSummary } from '../reads/read-stats.ts';
import type { TableGrowth, TableGrowthForecast } from '../run/table-growth.ts';
import type { IndexMeasurements, IndexForecast } from '../run/index-measurements.ts';
import { lastPass, type WatchPass } from '../passes/watch-pass.ts';
import { latestAdoption, type Adoption } from '../run/adoption.ts';
import { latestRun, type Run, type RunState } from '../run/run.ts';
import type { IndexBlocker } from '../run/index-progress.ts';
import { tableFault } from '../run/run-target.ts';
import { syncState, type SyncState } from '../changes/drain-lease.ts';
import { isStill, noWorker, rowsPerSecond } from './stalled-run.ts';
import { readThrottle, type ThrottleState, type Tuned } from './throttle-state.ts';
import { readReports, type WorkerReports } from './worker-report.ts';

export interface ProgressSnapshot extends ReadSummary, WorkerReports {
  backfill: string;
  /** Of the backfill, from 1: all but `readMode` is of it alone. */
  generation: number;
  /** Id of the run; null before the first one. */
  run: string | null;
  state: RunState | 'none';
  reason: string;
  rows: {
    eligible: number;
    embedded: number;
    skipped: number;
    quarantined: number;
    pending: number;
    /** Of the pending: in batches that are embedded and not merged yet. */
    staged: number;
    stale: number;
    /** Of the embedded: only the beginning of the text was read. */
    truncated: number;
    /** Of the embedded: the vector was there before, and was taken over. */
    adopted: number;
    /** Of the embedded: their passages that have a vector; 0 where each row has one vector. */
    passages: number;
  };
  /** What a sample said of the vectors that are, or will be, taken over; null where none are. */
  adoption: Adoption | null;
  /** Values masked before embedding, by type; never the values. */
  masked: Record<string, number>;
  /** What the run's vectors are made with; null before the first run. */
  model: {
    name: string;
    dimensions: number;
    fingerprint: string;
    embedding: Run['embedding'];
  } | null;
  /** Why the table is not the one that the run was planned for; null where it is. */
  table: string | null;
  /** Share of the rows with text that are embedded, 0 to 1. */
  coverage: number;
  /** Since a batch was begun, staged, merged or given up last; null where none was, or all are done. */
  idleSeconds: number | null;
  /** Over the last minutes while batches are under way, over the whole run afterwards; null where nothing is measured yet, or nothing moves. */
  rowsPerSecond: number | null;
  /** Why the database takes no writes, so that everything waits; null where it does. */
  readOnly: string | null;
  /** Null before 1 % and where nothing moves. */
  etaSeconds: number | null;
  batches: {
    pending: number;
    staged: number;
    merged: number;
    failed: number;
    /** Attempts beyond the first of each batch. */
    retries: number;
  };
  /** That the model has read, of rows that are embedded. */
  tokens: number;
  /** Rows written since they were read last. */
  sync: SyncState;
  /** By which search applications are answered; what they counted meanwhile is beside it. */
  readMode: ReadModeState;
  /** By how much the table grows as the vectors are written: forecast when the run was planned, measured before the index build. */
  tableGrowth: { forecast: TableGrowthForecast | null; actual: TableGrowth | null };
  index: {
    name: string | null;
    method: string | null;
    valid: boolean;
    phase: string | null;
    progress: number | null;
    /** To the end of that phase, by how far it has come lately; null where nobody can tell. */
    secondsLeft: number | null;
    /** Of the newest build; null before it. */
    forecast: IndexForecast | null;
    actual: IndexMeasurements | null;
    /** Sessions that the build waits for. */
    blockers: IndexBlocker[];
    /** Since a finalizer last looked at the build under way: it does every second. Null where there is none. */
    seenSecondsAgo: number | null;
  };
  /** The last pass of the watch over the live index; null before the first one. */
  watch: WatchPass | null;
  /** Batches in progress, the oldest first; at most 50. */
  inProgress: BatchInProgress[];
  /** What the workers saw of the database's health at their last look. */
  throttle: ThrottleState;
  /** What `tune` has put in the place of options. */
  tuned: Tuned;
  /** Of the merge statements of the run; null before the first one. */
  longestStatementMs: number | null;
}

/** @param backfill as the generation is named in the ledger */
export async function progressSnapshot(db: Queryable, backfill: string): Promise<ProgressSnapshot> {
  const named = parseGenerationName(backfill);
  const run = await latestRun(db, backfill);
  const sync = await syncState(db, backfill);
  const { tuned, state, reason, signals, ageSeconds } = await readThrottle(db, backfill);
  const readOnly = (await readOnlyReason(db))?.message ?? null;
  const throttle: ThrottleState =
    readOnly === null
      ? { state, reason, signals, ageSeconds }
      : { state: 'hold', reason: readOnly, signals, ageSeconds: 0 };
  const reads = { readMode: await readModeOf(db, backfill), ...(await readSummary(db, backfill)) };
  const { workers, stall: reported } = await readReports(db, backfill);
  if (run === null)
    return { ...EMPTY_SNAPSHOT, ...named, readOnly, sync, throttle, tuned, workers, ...reads };
  const sums = await sumBatches(db, run);
  const done = sums.embedded + sums.skipped + sums.quarantined;
  const pending = Math.max(sums.eligible - done - sums.changed, 0);
  const isHalted = run.state === 'paused' || run.state === 'failed';
  const stall = isHalted ? null : (reported ?? noWorker({ run, sums, sync, workers }));
  const stands = pending > 0 && (readOnly !== null || isHalted || isStill(sums, stall));
  const rate = stands ? null : rowsPerSecond(sums, pending);
  const share = sums.eligible === 0 ? 1 : done / sums.eligible;
  return {
    ...named,
    run: run.id,
    state: run.state,
    reason: run.reason,
    rows: {
      eligible: sums.eligible,
      embedded: sums.embedded,
      skipped: sums.skipped,
      quarantined: sums.quarantined,
      pending,
      staged: Math.min(sums.stagedRows, pending),
      stale: sums.changed,
      truncated: sums.truncated,
      adopted: sums.adopted,
      passages: sums.passages,
    },
    adoption: sums.adopted === 0 ? run.adoption : await latestAdoption(db, backfill),
    masked: sums.masked,
    model: {
      name: run.model,
      dimensions: run.dimensions,
      fingerprint: run.fingerprint,
      embedding: run.embedding,
    },
    table: await tableFault(db, run),
    readOnly,
    // Of no row nothing is covered.
    coverage: sums.eligible === 0 ? 0 : coverageOf(sums),
    workers,
    stall,
    idleSeconds: pending > 0 ? sums.idleSeconds : null,
    rowsPerSecond: rate,
    etaSeconds: pending === 0 ? 0 : rate === null || share < MIN_SHARE_FOR_ETA ? null : pending / rate,
    batches: {
      pending: sums.pending,
      staged: sums.staged,
      merged: sums.merged,
      failed: sums.failed,
      retries: sums.retries,
    },
    tokens: sums.tokens,
    sync,
    ...reads,
    tableGrowth: { forecast: run.tableGrowthForecast, actual: run.tableGrowthActual },
    index: {
      ...(await indexState(db, run)),
      progress: run.indexProgress,
      secondsLeft: isBeingBuilt(run) ? run.indexSecondsLeft : null,
      forecast: run.indexForecast,
      actual: run.indexActual,
      blockers: run.indexBlockers,
      seenSecondsAgo: run.state === 'finalizing' ? run.indexSeenSeconds : null,
    },
    watch: await lastPass(db, backfill),
    inProgress: await batchesInProgress(db, run.id),
    throttle,
    tuned,
    longestStatementMs: run.longestStatementMs,
  };
}

/** The same while the queue is away: nothing moves that has not been done, whatever the last minutes were like. */
export const standing = (snapshot: ProgressSnapshot): ProgressSnapshot =>
  snapshot.rows.pending === 0 ? snapshot : { ...snapshot, rowsPerSecond: null, etaSeconds: null };
