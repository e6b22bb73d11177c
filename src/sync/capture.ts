/** Whether and how changes of the legacy table are captured, and bringing the table there. */

import type { Settings } from '../config/settings.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { DDL_LIMITS, inTransaction, type TransactionLimits } from '../db/transaction.ts';
import { ConfigError, TransientError } from '../errors.ts';
import { recordEvent } from '../ledger/event.ts';
import { saveSyncMode, type SyncMode } from '../ledger/sync.ts';
import { treeSql } from '../table/partitions.ts';
import type { Target } from '../table/target.ts';
import { CAPTURE_TRIGGERS, captureDdl, dropCaptureDdl, type CaptureDdl } from './capture-ddl.ts';
import { watchedColumns } from './watched-columns.ts';

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
  const { syncMode } = settings;
  if (syncMode === 'off' || syncMode === 'sweep') return { mode: syncMode, reason: '' };
  const found = await db.query<{ allowed: boolean }>(
    `SELECT pg_has_role(c.relowner, 'USAGE') AND has_table_privilege(c.oid, 'TRIGGER') AS allowed
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [target.table],
  );
  if (found.rows[0]?.allowed === true) return { mode: 'trigger', reason: '' };
  const lacks = `this user may not create a trigger on ${target.schema}.${target.name}`;
  if (syncMode === 'auto')
    return {
      mode: 'sweep',
      reason: `${lacks}; the table is read every ${settings.syncSweepSeconds} s instead`,
    };
  throw new ConfigError(`Option sync.mode is trigger, but ${lacks}.`, {
    code: 'SYNC_RIGHTS',
    remedy:
      'Connect as the owner of the table with the right TRIGGER on it, or set sync.mode (--sync-mode, env BACKFILL_SYNC_MODE) to auto or sweep.',
  });
}

/** Statements still missing for the wanted mode; empty where all is as it should be. Changes nothing. */
export async function missingCapture(pool: Pool, target: Target, mode: SyncMode): Promise<string[]> {
  const present = await presentTriggers(pool, target);
  if (mode !== 'trigger') return present.length === 0 ? [] : dropCaptureDdl(target, present);
  const wanted = await wantedCapture(pool, target, present);
  return (await isInstalled(pool, target, wanted)) ? [] : wanted.statements;
}

export async function presentTriggers(db: Queryable, target: Target): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT tgname::text AS name FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = ANY ($2) ORDER BY 1`,
    [target.table, CAPTURE_TRIGGERS],
  );
  return found.rows.map((row) => row.name);
}

async function wantedCapture(pool: Pool, target: Target, present: string[]): Promise<CaptureDdl> {
  const before = await pool.query<{ present: boolean }>(
    // tgtype: 1 row, 2 before, 16 update (src/include/catalog/pg_trigger.h).
    `SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid IN ${treeSql('$1::regclass')} AND NOT tgisinternal AND tgtype & 19 = 19) AS present`,
    [target.table],
  );
  return captureDdl(target, {
    hasBeforeUpdate: before.rows[0]?.present === true,
    present,
    watched: await watchedColumns(pool, target),
  });
}

async function isInstalled(db: Queryable, target: Target, wanted: CaptureDdl): Promise<boolean> {
  const found = await db.query<{ mark: string | null; triggers: number }>(
    `SELECT obj_description(to_regprocedure($3)::oid, 'pg_proc') AS mark,
            (SELECT count(*)::int FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = ANY ($2) AND tgenabled = 'A'
                AND tgfoid = to_regprocedure($3)) AS triggers`,
    [target.table, CAPTURE_TRIGGERS, `${wanted.functionName}()`],
  );
  const { mark = null, triggers = 0 } = found.rows[0] ?? {};
  return mark === wanted.mark && triggers === CAPTURE_TRIGGERS.length;
}

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
  const statements = await missingCapture(pool, target, mode);
  if (statements.length > 0) await runUnderLocks(pool, target, statements, limits);
  const event = { backfill: target.backfill, run: null };
  for (const message of statements)
    await recordEvent(pool, { ...event, level: 'info', kind: 'schema.changed', message });
  if (await saveSyncMode(pool, target.backfill, mode, reason))
    await recordEvent(pool, {
      ...event,
      level: reason === '' ? 'info' : 'warn',
      kind: 'sync.mode',
      message: reason === '' ? mode : `${mode}: ${reason}`,
    });
  return mode;
}

/** All in one transaction: a moment with half of the triggers would lose changes. */
export async function runUnderLocks(
  pool: Pool,
  target: Target,
  statements: readonly string[],
  limits: TransactionLimits = DDL_LIMITS,
): Promise<void> {
  try {
    await inTransaction(pool, limits, async (client) => {
      for (const sql of statements) await client.query(sql);
    });
  } catch (error) {
    if (!hasSqlState(error, SQLSTATE.lockTimeout)) throw error;
    throw new TransientError(
      `The triggers on ${target.schema}.${target.name} could not be changed: other transactions held the table through ${limits.tries} tries of ${limits.lockTimeoutMs} ms.`,
      {
        code: 'SYNC_LOCKED',
        remedy:
          'End the long transactions on the table (pg_stat_activity, pg_locks) and try again, or set sync.mode (--sync-mode, env BACKFILL_SYNC_MODE) to sweep.',
        cause: error,
      },
    );
  }
}
