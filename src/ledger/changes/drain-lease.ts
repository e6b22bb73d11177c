/** Sync: how the changes of a legacy table are found, who drains them, and what is still to do. */

import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';
import { addCountsSql } from '../batch/batch.ts';
import { newestSql, shareFence } from '../run/fence.ts';
import { sharedName } from './shared-changes.ts';

export const SYNC_MODES = ['trigger', 'sweep', 'off'] as const;
export type SyncMode = (typeof SYNC_MODES)[number];

/** A drain under way. Whoever holds an older token has been overtaken. */
export interface SyncClaim {
  kind: 'sync';
  backfill: string;
  run: string;
  /** The batch number of rows that no batch has staged. */
  number: 0;
  token: number;
}

export interface SyncState {
  mode: SyncMode;
  /** Changes that were captured and are not brought in line yet; counted up to `MAX_COUNTED`. */
  pending: number;
  /** Of the oldest of them; null where there is none. */
  oldestSeconds: number | null;
  /** Why this mode, or what keeps a drain from its work; empty where all is well. */
  reason: string;
}

/** A count beyond it would cost more than it tells. */
export const MAX_COUNTED = 100_000;
/** Of a drain whose process is silent; what it was at is taken up by another one then. */
const LEASE_SECONDS = 15;
export const LEASE_RENEWAL_MS = 5000;

/** So many intervals of sync without a drain say that it stands still; a job takes its time, however short the interval. */
const LATE_INTERVALS = 3;
const LATE_SECONDS = 15;

/** From which on captured changes that wait, or the end of the last drain, are too long ago. */
export const lateSeconds = (everySeconds: number): number =>
  Math.max(LATE_INTERVALS * everySeconds, LATE_SECONDS);

/** @returns whether the mode is another one than before. */
export async function saveSyncMode(
  db: Queryable,
  backfill: string,
  mode: SyncMode,
  reason: string,
): Promise<boolean> {
  const saved = await db.query(
    `INSERT INTO pgvector_backfill.sync AS s (backfill, mode, mode_reason) VALUES ($1, $2, ${utf8Sql('$3')})
     ON CONFLICT (backfill) DO UPDATE SET mode = excluded.mode, mode_reason = excluded.mode_reason, updated_at = now()
       WHERE (s.mode, s.mode_reason) IS DISTINCT FROM (excluded.mode, excluded.mode_reason)`,
    [backfill, mode, utf8(reason)],
  );
  return saved.rowCount === 1;
}

/** `off` before the first `enqueue`. */
export async function syncMode(db: Queryable, backfill: string): Promise<SyncMode> {
  const found = await db.query<{ mode: SyncMode }>(
    'SELECT mode FROM pgvector_backfill.sync WHERE backfill = $1',
    [backfill],
  );
  return found.rows[0]?.mode ?? 'off';
}

/**
 * SQL of what is wrong with the triggers as the catalog has them now, of a row `s` of sync; empty where nothing is. Looked
 * at by whoever asks, as there may be no worker to look and to say so.
 */
const DISARMED_SQL = `CASE WHEN s.mode = 'trigger' THEN (
    SELECT CASE WHEN count(t.oid) = 3 THEN '' ELSE (3 - count(t.oid)) || ' of the 3 triggers on ' || b.target_table
             || ' are missing or not enabled always: rows that are written now are not captured. Workers arm them again within a minute, and sweep; so does \`pgvector-backfill enqueue\`' END
      FROM pgvector_backfill.backfill b LEFT JOIN pg_trigger t
        ON t.tgrelid = to_regclass(b.target_table) AND starts_with(t.tgname::text, 'pgvector_backfill_capture_') AND t.tgenabled = 'A'
     WHERE b.name = s.backfill GROUP BY b.target_table) ELSE '' END`;

/** What is wrong with the triggers now; empty where nothing is. */
export async function captureDisarmed(db: Queryable, backfill: string): Promise<string> {
  const found = await db.query<{ fault: string }>(
    `SELECT coalesce(nullif(s.capture_fault, ''), ${DISARMED_SQL}, '') AS fault FROM pgvector_backfill.sync s WHERE s.backfill = $1`,
    [backfill],
  );
  return found.rows[0]?.fault ?? '';
}

/** SQL, of a row `s` of sync that may be of an earlier release: what is noted for all generations is for this one, too. */
const IS_CAPTURED = `to_jsonb(s) ->> 'captured_table' IS NOT NULL`;

/** What is noted for all generations and not moved to them yet counts for each. */
export async function syncState(db: Queryable, backfill: string): Promise<SyncState> {
  const found = await db.query<SyncState>(
    `SELECT coalesce(s.mode, 'off') AS mode,
            coalesce(nullif(s.failure, ''), nullif(s.capture_fault, ''), nullif(${DISARMED_SQL}, ''), nullif(s.mode_reason, ''),
                     nullif(s.varies, '') || ' changes without a write of the row: a sweep finds such rows', '') AS reason,
            (SELECT count(*)::int FROM (SELECT 1 FROM pgvector_backfill.change WHERE backfill = $1
                                        UNION ALL SELECT 1 FROM pgvector_backfill.change WHERE backfill = $3 AND ${IS_CAPTURED} LIMIT $2) counted) AS pending,
            (SELECT max(greatest(extract(epoch FROM now() - at), 0))::float8
               FROM ((SELECT at FROM pgvector_backfill.change WHERE backfill = $1 ORDER BY id LIMIT 1)
                     UNION ALL (SELECT at FROM pgvector_backfill.change WHERE backfill = $3 AND ${IS_CAPTURED} ORDER BY id LIMIT 1)) oldest) AS "oldestSeconds"
       FROM (SELECT $1::text AS backfill) b LEFT JOIN pgvector_backfill.sync s USING (backfill)`,
    [backfill, MAX_COUNTED, sharedName(backfill)],
  );
  return found.rows[0] as SyncState;
}

/** Null where another drain is under way. */
export async function claimSync(db: Queryable, backfill: string, run: string): Promise<SyncClaim | null> {
  const claimed = await db.query<{ token: number }>(
    `UPDATE pgvector_backfill.sync SET token = token + 1, leased_until = clock_timestamp() + make_interval(secs => $2)
      WHERE backfill = $1 AND (leased_until IS NULL OR leased_until < clock_timestamp()) RETURNING token`,
    [backfill, LEASE_SECONDS],
  );
  const token = claimed.rows[0]?.token;
  return token === undefined ? null : { kind: 'sync', backfill, run, number: 0, token };
}

export async function renewSync(db: Queryable, claim: SyncClaim): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET leased_until = clock_timestamp() + make_interval(secs => $3)
      WHERE backfill = $1 AND token = $2 AND leased_until IS NOT NULL`,
    [claim.backfill, claim.token, LEASE_SECONDS],
  );
}

/** `complete`: it went through every change it had found. */
export async function releaseSync(db: Queryable, claim: SyncClaim, complete: boolean): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET leased_until = NULL, drained_at = CASE WHEN $3 THEN now() ELSE drained_at END
      WHERE backfill = $1 AND token = $2`,
    [claim.backfill, claim.token, complete],
  );
}

/** Locks the drain for the rest of the transaction. False where another one, or a newer run, has taken over. */
export async function lockSync(db: Queryable, claim: SyncClaim): Promise<boolean> {
  await shareFence(db, claim.run);
  const held = await db.query(
    `SELECT 1 FROM pgvector_backfill.sync WHERE backfill = $1 AND token = $2 AND ${newestSql('$3')} FOR UPDATE`,
    [claim.backfill, claim.token, claim.run],
  );
  return held.rowCount === 1;
}

/** In the transaction that stages the vectors, as a batch does. `masked`: values by type. */
export async function markSyncStaged(
  db: Queryable,
  claim: SyncClaim,
  cost: { embedded: readonly unknown[]; tokens: number; masked: Record<string, number> },
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET embedded = embedded + $3, tokens = tokens + $4, masked = ${addCountsSql('masked', '$5')}
      WHERE backfill = $1 AND token = $2`,
    [claim.backfill, claim.token, cost.embedded.length, cost.tokens, JSON.stringify(cost.masked)],
  );
}

/** Empty: nothing keeps the drain from its work any more. */
export async function setSyncFailure(db: Queryable, backfill: string, failure: string): Promise<boolean> {
  const set = await db.query(
    `UPDATE pgvector_backfill.sync SET failure = ${utf8Sql('$2')} WHERE backfill = $1 AND failure <> ${utf8Sql('$2')}`,
    [backfill, utf8(failure)],
  );
  return set.rowCount === 1;
}

/** Whether somebody drains now. */
export async function isDraining(db: Queryable, backfill: string): Promise<boolean> {
  const lease = await db.query<{ held: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pgvector_backfill.sync WHERE backfill = $1 AND leased_until > clock_timestamp()) AS held`,
    [backfill],
  );
  return lease.rows[0]?.held === true;
}

export interface DrainState {
  mode: SyncMode;
  /** Since the last drain that went through; 0 where one is under way, null where none ever did. */
  idleSeconds: number | null;
}

export async function drainState(db: Queryable, backfill: string): Promise<DrainState> {
  const found = await db.query<DrainState>(
    `SELECT mode, CASE WHEN leased_until > clock_timestamp() THEN 0
                       ELSE extract(epoch FROM clock_timestamp() - drained_at)::float8 END AS "idleSeconds"
       FROM pgvector_backfill.sync WHERE backfill = $1`,
    [backfill],
  );
  return found.rows[0] ?? { mode: 'off', idleSeconds: null };
}
