/** One snapshot for the status line, JSON, metrics and dashboard, read from the ledger alone: it costs the legacy table nothing. */

import type { Queryable } from '../../db/pool.ts';
import { readOnlyReason } from '../../db/read-only.ts';
import {
  MIN_SHARE_FOR_ETA,
  RATE_WINDOW_SECONDS,
  batchesInProgress,
  type BatchInProgress,
} from './batch-activity.ts';
import { indexState } from './index-state.ts';
import { coverageOf } from '../rows/accounting.ts';
import { readModeOf, type ReadModeState } from '../reads/read-mode.ts';
import { readSummary, type ReadSummary } from '../reads/read-stats.ts';
import type { TableGrowth, TableGrowthForecast } from '../run/table-growth.ts';
import type { IndexMeasurements, IndexForecast } from '../run/index-measurements.ts';
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
  /** Batches in progress, the oldest first; at most 50. */
  inProgress: BatchInProgress[];
  /** What the workers saw of the database's health at their last look. */
  throttle: ThrottleState;
  /** What `tune` has put in the place of options. */
  tuned: Tuned;
  /** Of the merge statements of the run; null before the first one. */
  longestStatementMs: number | null;
}

interface Sums {
  eligible: number;
  embedded: number;
  skipped: number;
  quarantined: number;
  changed: number;
  truncated: number;
  adopted: number;
  stagedRows: number;
  masked: Record<string, number>;
  pending: number;
  staged: number;
  merged: number;
  failed: number;
  retries: number;
  tokens: number;
  recentRows: number;
  recentSeconds: number | null;
  runSeconds: number | null;
  idleSeconds: number | null;
  longestSeconds: number | null;
}

export async function progressSnapshot(db: Queryable, backfill: string): Promise<ProgressSnapshot> {
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
  if (run === null) return { ...EMPTY, backfill, readOnly, sync, throttle, tuned, workers, ...reads };
  const sums = await sumBatches(db, run);
  const done = sums.embedded + sums.skipped + sums.quarantined;
  const pending = Math.max(sums.eligible - done - sums.changed, 0);
  const isHalted = run.state === 'paused' || run.state === 'failed';
  const stall = isHalted ? null : (reported ?? noWorker({ run, sums, sync, workers }));
  const stands = pending > 0 && (readOnly !== null || isHalted || isStill(sums, stall));
  const rate = stands ? null : rowsPerSecond(sums, pending);
  const share = sums.eligible === 0 ? 1 : done / sums.eligible;
  return {
    backfill,
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
      secondsLeft: run.state === 'finalizing' ? run.indexSecondsLeft : null,
      forecast: run.indexForecast,
      actual: run.indexActual,
      blockers: run.indexBlockers,
      seenSecondsAgo: run.state === 'finalizing' ? run.indexSeenSeconds : null,
    },
    inProgress: await batchesInProgress(db, run.id),
    throttle,
    tuned,
    longestStatementMs: run.longestStatementMs,
  };
}

/** The same while the queue is away: nothing moves that has not been done, whatever the last minutes were like. */
export const standing = (snapshot: ProgressSnapshot): ProgressSnapshot =>
  snapshot.rows.pending === 0 ? snapshot : { ...snapshot, rowsPerSecond: null, etaSeconds: null };

async function sumBatches(db: Queryable, run: Run): Promise<Sums> {
  const summed = await db.query<Sums>(
    `SELECT coalesce(sum(CASE WHEN state = 'merged' THEN eligible ELSE rows END), 0)::float8 AS eligible,
            coalesce(sum(embedded) FILTER (WHERE state = 'merged'), 0)::float8 AS embedded,
            coalesce(sum(skipped) FILTER (WHERE state = 'merged'), 0)::float8 AS skipped,
            coalesce(sum(quarantined) FILTER (WHERE state = 'merged'), 0)::float8 AS quarantined,
            coalesce(sum(changed) FILTER (WHERE state = 'merged'), 0)::float8 AS changed,
            coalesce(sum(truncated) FILTER (WHERE state = 'merged'), 0)::float8 AS truncated,
            coalesce(sum(adopted) FILTER (WHERE state = 'merged'), 0)::float8 AS adopted,
            coalesce(sum(rows) FILTER (WHERE state = 'staged'), 0)::float8 AS "stagedRows",
            (SELECT coalesce(jsonb_object_agg(key, total), '{}')
               FROM (SELECT key, sum(value::bigint) AS total FROM pgvector_backfill.batch, jsonb_each_text(masked)
                      WHERE run = $1 GROUP BY key) types) AS masked,
            count(*) FILTER (WHERE state = 'pending')::int AS pending,
            count(*) FILTER (WHERE state = 'staged')::int AS staged,
            count(*) FILTER (WHERE state = 'merged')::int AS merged,
            count(*) FILTER (WHERE state = 'failed')::int AS failed,
            coalesce(sum(greatest(attempts - 1, 0)), 0)::float8 AS retries, coalesce(sum(tokens), 0)::float8 AS tokens,
            coalesce(sum(eligible) FILTER (WHERE state = 'merged' AND merged_at > now() - make_interval(secs => $2)), 0)::float8 AS "recentRows",
            extract(epoch FROM now() - greatest(min(started_at) FILTER (WHERE merged_at > now() - make_interval(secs => $2)),
                                                now() - make_interval(secs => $2)))::float8 AS "recentSeconds",
            extract(epoch FROM max(merged_at) - min(started_at))::float8 AS "runSeconds",
            extract(epoch FROM now() - greatest(max(started_at), max(staged_at), max(merged_at), max(failed_at)))::float8 AS "idleSeconds",
            max(extract(epoch FROM merged_at - started_at)) FILTER (WHERE merged_at > now() - make_interval(secs => $2))::float8 AS "longestSeconds"
       FROM pgvector_backfill.batch WHERE run = $1`,
    [run.id, RATE_WINDOW_SECONDS],
  );
  return summed.rows[0] as Sums;
}

const EMPTY: Omit<
  ProgressSnapshot,
  'backfill' | 'readOnly' | 'sync' | 'throttle' | 'tuned' | 'workers' | 'readMode' | keyof ReadSummary
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
