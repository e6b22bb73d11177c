/** Whether a run that has work moves, by what its batches say, and that nobody is there to move it. */

import { duration } from '../../observability/format.ts';
import { OPEN_STATES, type Run } from '../run/run.ts';
import type { SyncState } from '../changes/drain-lease.ts';
import { REPORT_FRESH_SECONDS, type Stall, type WorkerReport } from './worker-report.ts';

/** Without a sign of a batch for so long nothing moves, unless batches take longer than that. */
export const STILL_SECONDS = 60;

interface Signs {
  /** Batches to do. */
  pending: number;
  staged: number;
  /** Since the last sign of any batch. */
  idleSeconds: number | null;
  /** Of the batches that were merged lately, what the longest took. */
  longestSeconds: number | null;
}

/** A rate and a time left are of the past then. What sync waits for while batches move is told beside them. */
export function isStill({ idleSeconds, longestSeconds }: Signs, stall: Stall | null): boolean {
  if (stall !== null && (idleSeconds === null || idleSeconds >= stall.seconds)) return true;
  return idleSeconds !== null && idleSeconds > Math.max(STILL_SECONDS, 3 * (longestSeconds ?? 0));
}

/** No worker has reported lately, although there is something to do and nothing has moved: there may be none to say so. */
export function noWorker({
  run,
  sums,
  sync,
  workers,
}: {
  run: Pick<Run, 'state' | 'plannedAt'>;
  sums: Signs;
  sync: SyncState;
  workers: readonly WorkerReport[];
}): Stall | null {
  if (workers.length > 0 || run.plannedAt === null) return null;
  const batches = OPEN_STATES.includes(run.state) && sums.pending + sums.staged > 0;
  // Batches that nobody has begun yet are told of by the words that follow `enqueue`.
  const idle = batches ? sums.idleSeconds : null;
  const seconds = Math.max(idle ?? 0, sync.mode === 'off' ? 0 : (sync.oldestSeconds ?? 0));
  if (seconds < REPORT_FRESH_SECONDS) return null;
  return {
    cause: 'no-worker',
    reason: `nothing has moved for ${duration(seconds)}, and no worker has reported for ${duration(REPORT_FRESH_SECONDS)}: is one up? \`pgvector-backfill worker\` starts one`,
    seconds,
  };
}

interface Pace {
  recentRows: number;
  recentSeconds: number | null;
  embedded: number;
  skipped: number;
  runSeconds: number | null;
}

/** While rows are left, of the last minutes; else of the whole run. */
export function rowsPerSecond(sums: Pace, pending: number): number | null {
  const [rows, seconds] =
    pending > 0 ? [sums.recentRows, sums.recentSeconds] : [sums.embedded + sums.skipped, sums.runSeconds];
  return seconds === null || seconds <= 0 || rows === 0 ? null : rows / seconds;
}
