/** Whether and how changes of the legacy table are captured, and bringing the table there. */

import { optionName } from '../config/option-name.ts';
import type { Settings } from '../config/settings.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { DDL_LIMITS, type TransactionLimits } from '../db/transaction.ts';
import { ConfigError } from '../errors.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { saveSyncMode, type SyncMode } from '../ledger/changes/drain-lease.ts';
import type { Target } from '../table/backfill-target.ts';
import { ensureCapture } from './ensure-capture.ts';
import { neededRelease, releaseCapture } from './release-capture.ts';
import { neededRepair } from './table-parts.ts';

export interface CaptureChoice {
  mode: SyncMode;
  /** Why, where it is not what was asked for; else empty. */
  reason: string;
}

/** @throws ConfigError where a trigger is asked for and the rights are missing. */
export async function chooseCapture(
  db: Queryable,
  target: Target,
  settings: Settings,
): Promise<CaptureChoice> {
  const { mode } = settings.sync;
  if (mode === 'off' || mode === 'sweep') return { mode, reason: '' };
  const found = await db.query<{ allowed: boolean }>(
    `SELECT pg_has_role(c.relowner, 'USAGE') AND has_table_privilege(c.oid, 'TRIGGER') AS allowed
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [target.table],
  );
  if (found.rows[0]?.allowed === true) return { mode: 'trigger', reason: '' };
  const lacks = `this user may not create a trigger on ${target.schema}.${target.name}`;
  if (mode === 'auto')
    return {
      mode: 'sweep',
      reason: `${lacks}; the table is read every ${settings.sync.sweepSeconds} s instead`,
    };
  throw new ConfigError(`Option sync.mode is trigger, but ${lacks}.`, {
    code: 'SYNC_RIGHTS',
    remedy: `Connect as the owner of the table with the right TRIGGER on it, or set ${optionName('sync.mode')} to auto or sweep.`,
  });
}

/** Statements still missing for the wanted mode; empty where all is as it should be. Changes nothing. */
export const missingCapture = async (pool: Pool, target: Target, mode: SyncMode): Promise<string[]> =>
  mode === 'trigger' ? (await neededRepair(pool, target)).statements : neededRelease(pool, target);

/**
 * Brings the table's triggers in line with the wanted mode and notes it in the ledger. CREATE TRIGGER waits for every
 * transaction that has written to the table and keeps later ones waiting behind it, so it gives way fast and comes back.
 * @throws TransientError where the table was never free for long enough.
 */
export async function applyCapture(
  pool: Pool,
  target: Target,
  settings: Settings,
  limits: TransactionLimits = DDL_LIMITS,
): Promise<SyncMode> {
  const { mode, reason } = await chooseCapture(pool, target, settings);
  const event = { backfill: target.backfill, run: null };
  // Before the triggers: workers arm them again only while the ledger says so.
  if (await saveSyncMode(pool, target.backfill, mode, reason))
    await recordEvent(pool, {
      ...event,
      level: reason === '' ? 'info' : 'warn',
      kind: 'sync.mode',
      message: reason === '' ? mode : `${mode}: ${reason}`,
    });
  if (mode === 'trigger') {
    await ensureCapture(pool, target, limits);
    return mode;
  }
  if ((await missingCapture(pool, target, mode)).length === 0) return mode;
  const statements = await releaseCapture(pool, target, limits);
  for (const message of statements)
    await recordEvent(pool, { ...event, level: 'info', kind: 'schema.changed', message });
  return mode;
}
