/** Where the sweep of a backfill stands, so that another worker goes on with it. */

import type { Queryable } from '../../db/pool.ts';
import { newestSql } from '../run/fence.ts';
import type { Run } from '../run/run.ts';

/** The batch it is in, and the key up to which that is done; null = its beginning. */
export interface SweepCursor {
  batch: number;
  key: string | null;
}

export const SWEEP_START: SweepCursor = { batch: 0, key: null };

/** The next sweep starts as soon as it can, whatever the mode. */
export async function wantSweep(db: Queryable, backfill: string): Promise<void> {
  await db.query('UPDATE pgvector_backfill.sync SET sweep_wanted = true WHERE backfill = $1', [backfill]);
}

export interface SweepPace {
  /** From the start of one sweep to that of the next, where nothing else finds changes. */
  seconds: number;
  /** The same beside triggers; null = never. */
  slowSeconds: number | null;
}

/** A sweep under way. Where it is not urgent it looks for what hardly ever happens, and has time. */
export type Sweep = SweepCursor & { urgent: boolean };

/** Of a new run: the place of a sweep under way is one among the batches of the run before. It begins again. */
export async function restartSweep(db: Queryable, backfill: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET sweep_wanted = true, sweep_batch = NULL, sweep_key = NULL
      WHERE backfill = $1 AND sweep_batch IS NOT NULL`,
    [backfill],
  );
}

/**
 * Where to go on. Null where no sweep is under way and none is due. Beside triggers a slow one goes over the table now and
 * then: it finds what no trigger sees. Where text or condition change without a write, or the triggers cannot be armed, it
 * comes as often as without triggers.
 */
export async function beginSweep(
  db: Queryable,
  { id, backfill }: Pick<Run, 'id' | 'backfill'>,
  pace: SweepPace,
): Promise<Sweep | null> {
  const begun = await db.query<Sweep>(
    `UPDATE pgvector_backfill.sync
        SET sweep_started_at = CASE WHEN sweep_batch IS NULL THEN now() ELSE sweep_started_at END,
            sweep_urgent = sweep_wanted OR mode = 'sweep' OR (sweep_urgent AND sweep_batch IS NOT NULL),
            sweep_wanted = sweep_wanted AND sweep_batch IS NOT NULL,
            sweep_batch = coalesce(sweep_batch, $4)
      WHERE backfill = $1 AND ${newestSql('$5')}
        AND (sweep_batch IS NOT NULL OR sweep_wanted
             OR (mode = 'sweep' AND coalesce(sweep_started_at + make_interval(secs => $2) <= now(), true))
             OR (mode = 'trigger' AND coalesce(sweep_started_at, updated_at)
                   + make_interval(secs => CASE WHEN varies <> '' OR capture_fault <> '' THEN $2::float8 ELSE $3::float8 END) <= now()))
      RETURNING sweep_batch AS batch, sweep_key AS key, sweep_urgent AS urgent`,
    [backfill, pace.seconds, pace.slowSeconds, SWEEP_START.batch, id],
  );
  return begun.rows[0] ?? null;
}

/** Null: the sweep is through. A sweep of a run that was superseded meanwhile says nothing of the new one. */
export async function saveSweep(
  db: Queryable,
  { id, backfill }: Pick<Run, 'id' | 'backfill'>,
  cursor: SweepCursor | null,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET sweep_batch = $2, sweep_key = $3,
            sweep_ended_at = CASE WHEN $2::int IS NULL THEN now() ELSE sweep_ended_at END
      WHERE backfill = $1 AND ${newestSql('$4')}`,
    [backfill, cursor?.batch ?? null, cursor?.key ?? null, id],
  );
}
