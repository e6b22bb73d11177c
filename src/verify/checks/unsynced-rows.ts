/** Rows that wait for sync: on a live table there are always some, and they are all right as long as somebody syncs. */

import type { Queryable } from '../../db/pool.ts';
import type { LiveAccounting } from '../../ledger/rows/accounting.ts';
import { captureDisarmed, lateSeconds, type SyncMode, drainState } from '../../ledger/changes/drain-lease.ts';
import { readReports } from '../../ledger/progress/worker-report.ts';
import type { Check } from '../check.ts';

export interface SyncHealth {
  mode: SyncMode;
  /** Open rows that sync is to bring in line. */
  waiting: number;
  /** Since the last drain that went through; 0 where one is under way, null where none ever did. */
  idleSeconds: number | null;
  /** Why nothing moves, as a worker found it; empty where none says so. */
  stall: string;
  /** What is wrong with the triggers; empty where nothing is. */
  disarmed: string;
}

/**
 * Under a trigger only captured rows wait for sync: what nobody has captured is lost. A sweep finds every open row, so
 * that all of them do; how many there may be is coverage's business.
 */
export async function syncHealth(db: Queryable, backfill: string, rows: LiveAccounting): Promise<SyncHealth> {
  const { mode, idleSeconds } = await drainState(db, backfill);
  const waiting = { off: 0, trigger: rows.captured, sweep: rows.missing + rows.stale }[mode];
  const { stall } = await readReports(db, backfill);
  return {
    mode,
    waiting,
    idleSeconds,
    stall: stall?.reason ?? '',
    disarmed: await captureDisarmed(db, backfill),
  };
}

/** @param everySeconds interval of sync */
export function syncCheck(
  { mode, waiting, idleSeconds, stall, disarmed }: SyncHealth,
  everySeconds: number,
): Check {
  // Whatever the counts are now: what is written from here on would get no vector.
  if (disarmed !== '')
    return {
      name: 'sync',
      passed: false,
      value: waiting,
      threshold: null,
      detail: disarmed,
      remedy:
        'Start `pgvector-backfill worker` with the role sync, which arms capture again and sweeps the table, or run `pgvector-backfill enqueue`.',
    };
  const idle = idleSeconds === null ? 'never' : `${Math.round(idleSeconds)} s ago`;
  const passed = waiting === 0 || (idleSeconds !== null && idleSeconds <= lateSeconds(everySeconds));
  return {
    name: 'sync',
    passed,
    value: waiting,
    threshold: null,
    detail: passed
      ? `${mode}: ${waiting} rows wait`
      : `${mode}: ${waiting} rows wait and nobody syncs (last time: ${idle})${stall === '' ? '' : `: ${stall}`}`,
    remedy: passed
      ? null
      : 'Start `pgvector-backfill worker` with the role sync; where one is up, `pgvector-backfill enqueue` schedules sync again.',
  };
}
