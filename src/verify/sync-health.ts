/** Rows that wait for sync: on a live table there are always some, and they are all right as long as somebody syncs. */

import type { Queryable } from '../db/pool.ts';
import type { LiveAccounting } from '../ledger/accounting.ts';
import { captureDisarmed, type SyncMode } from '../ledger/sync.ts';
import type { Check } from './check.ts';

/** Since the end of the last drain; several intervals of the longest usual kind. */
const MOST_IDLE_SECONDS = 120;

export interface SyncHealth {
  mode: SyncMode;
  /** Open rows that sync is to bring in line. */
  waiting: number;
  /** Since the last drain that went through; null where none ever did. */
  idleSeconds: number | null;
  /** What is wrong with the triggers; empty where nothing is. */
  disarmed: string;
}

/**
 * Under a trigger only captured rows wait for sync: what nobody has captured is lost. A sweep finds every open row, so
 * that all of them do; how many there may be is coverage's business.
 */
export async function syncHealth(db: Queryable, backfill: string, rows: LiveAccounting): Promise<SyncHealth> {
  const found = await db.query<{ mode: SyncMode; idleSeconds: number | null }>(
    `SELECT mode, extract(epoch FROM now() - drained_at)::float8 AS "idleSeconds" FROM pgvector_backfill.sync WHERE backfill = $1`,
    [backfill],
  );
  const { mode = 'off', idleSeconds = null } = found.rows[0] ?? {};
  const waiting = { off: 0, trigger: rows.captured, sweep: rows.missing + rows.stale }[mode];
  return { mode, waiting, idleSeconds, disarmed: await captureDisarmed(db, backfill) };
}

export function syncCheck({ mode, waiting, idleSeconds, disarmed }: SyncHealth): Check {
  // Whatever the counts are now: what is written from here on would get no vector.
  if (disarmed !== '')
    return {
      name: 'sync',
      passed: false,
      value: waiting,
      threshold: null,
      detail: disarmed,
      remedy:
        'Start `npm run worker` with the role sync, which arms capture again and sweeps the table, or run `npm run enqueue`.',
    };
  const idle = idleSeconds === null ? 'never' : `${Math.round(idleSeconds)} s ago`;
  const passed = waiting === 0 || (idleSeconds !== null && idleSeconds <= MOST_IDLE_SECONDS);
  return {
    name: 'sync',
    passed,
    value: waiting,
    threshold: null,
    detail: passed
      ? `${mode}: ${waiting} rows wait`
      : `${mode}: ${waiting} rows wait and nobody syncs (last time: ${idle})`,
    remedy: passed ? null : 'Start `npm run worker` with the role sync.',
  };
}
