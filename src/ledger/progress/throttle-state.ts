/** What the workers saw of the database's health, what the operator has tuned, and the rows per second of all workers. */

import type { Queryable } from '../../db/pool.ts';
import { utf8Json, utf8JsonSql, utf8, utf8Sql } from '../../db/utf8-text.ts';
import type { RunState } from '../run/run.ts';

/** Where a signal holds the run and where it stops it; null = never. */
export interface Limits {
  hold: number | null;
  stop: number | null;
}

export interface SignalState extends Limits {
  name: string;
  /** In `unit`; null where it is not known. */
  value: number | null;
  unit: string;
  /** `off`: neither holds nor stops. `unknown`: cannot be read, see `note`. */
  state: 'go' | 'hold' | 'stop' | 'unknown' | 'off';
  /** Why it is not known, where it is not. */
  note?: string;
}

export interface ThrottleState {
  state: 'go' | 'hold' | 'stopped';
  /** Such as "replica lag 2.4 s (holds at 2 s)"; empty where nothing holds. */
  reason: string;
  signals: SignalState[];
  /** Of the look, seconds ago; null before the first one. */
  ageSeconds: number | null;
}

/** What stands in the place of the options; what is absent is not tuned. */
export interface Tuned {
  mergeRows?: number;
  concurrency?: number;
  /** Null: no limit, whatever the option says. */
  rowsPerSecond?: number | null;
  /** By signal name. */
  thresholds?: Record<string, Limits>;
}

export interface ThrottleRow extends ThrottleState {
  tuned: Tuned;
  /** The latest run; null before the first one. */
  run: string | null;
  runState: RunState | null;
}

/** A look that changes nothing is written down this rarely: figures for `status`, not a load of their own. */
const REFRESH_SECONDS = 5;

const NOTHING: ThrottleRow = {
  state: 'go',
  reason: '',
  signals: [],
  ageSeconds: null,
  tuned: {},
  run: null,
  runState: null,
};

/** As it was before the first look where the backfill is unknown. */
export async function readThrottle(db: Queryable, backfill: string): Promise<ThrottleRow> {
  const found = await db.query<ThrottleRow>(
    `SELECT coalesce(t.state, 'go') AS state, coalesce(t.reason, '') AS reason, coalesce(t.signals, '[]') AS signals,
            coalesce(t.tuned, '{}') AS tuned, extract(epoch FROM now() - t.checked_at)::float8 AS "ageSeconds",
            r.id::text AS run, r.state AS "runState"
       FROM pgvector_backfill.backfill b LEFT JOIN pgvector_backfill.throttle t ON t.backfill = b.name
       LEFT JOIN LATERAL (SELECT id, state FROM pgvector_backfill.run WHERE run.backfill = b.name ORDER BY id DESC LIMIT 1) r ON true
      WHERE b.name = $1`,
    [backfill],
  );
  return found.rows[0] ?? NOTHING;
}

/** @returns whether the state is another one than before: of several workers that see the same, one is told so. */
export async function saveThrottle(
  db: Queryable,
  backfill: string,
  seen: Pick<ThrottleState, 'state' | 'reason' | 'signals'>,
): Promise<boolean> {
  await db.query('INSERT INTO pgvector_backfill.throttle (backfill) VALUES ($1) ON CONFLICT DO NOTHING', [
    backfill,
  ]);
  const saved = await db.query<{ changed: boolean }>(
    `WITH before AS (SELECT state FROM pgvector_backfill.throttle WHERE backfill = $1 FOR UPDATE)
     UPDATE pgvector_backfill.throttle t SET state = $2, reason = ${utf8Sql('$3')}, signals = ${utf8JsonSql('$4')}, checked_at = now()
       FROM before WHERE t.backfill = $1 RETURNING before.state <> $2 AS changed`,
    [backfill, seen.state, utf8(seen.reason), utf8Json(seen.signals)],
  );
  return saved.rows[0]?.changed ?? false;
}

/** Whether what was saved last is too old to be shown. */
export const isDue = ({ ageSeconds }: ThrottleState): boolean =>
  ageSeconds === null || ageSeconds >= REFRESH_SECONDS;

/** Takes the place of what was tuned before; rows per second are given out again. */
export async function saveTuned(db: Queryable, backfill: string, tuned: Tuned): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.throttle (backfill, tuned) VALUES ($1, $2)
     ON CONFLICT (backfill) DO UPDATE SET tuned = excluded.tuned, reserved_until = clock_timestamp()`,
    [backfill, JSON.stringify(tuned)],
  );
}

/**
 * Takes `rows` out of what `rowsPerSecond` allows all workers together.
 * @returns milliseconds until they may be written. What was not used is not saved up.
 */
export async function reserveRows(
  db: Queryable,
  backfill: string,
  rows: number,
  rowsPerSecond: number,
): Promise<number> {
  const reserved = await db.query<{ ms: number }>(
    `UPDATE pgvector_backfill.throttle
        SET reserved_until = greatest(reserved_until, clock_timestamp()) + make_interval(secs => $2)
      WHERE backfill = $1
      RETURNING greatest(extract(epoch FROM reserved_until - clock_timestamp())::float8 - $2, 0) * 1000 AS ms`,
    [backfill, rows / rowsPerSecond],
  );
  return reserved.rows[0]?.ms ?? 0;
}

/** Kept where it is the longest of the run. */
export async function noteStatementMs(db: Queryable, run: string, ms: number): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET longest_statement_ms = $2
      WHERE id = $1 AND (longest_statement_ms IS NULL OR longest_statement_ms < $2)`,
    [run, ms],
  );
}
