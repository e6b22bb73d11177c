/** Where the sweep of a backfill stands, so that another worker goes on with it. */

import type { Queryable } from '../db/pool.ts';
import { newestSql } from './fence.ts';
import type { Run } from './run.ts';

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

/** Of a new run: the place of a sweep under way is one among the batches of the run before. It begins again. */
export async function restartSweep(db: Queryable, backfill: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.sync SET sweep_wanted = true, sweep_batch = NULL, sweep_key = NULL
      WHERE backfill = $1 AND sweep_batch IS NOT NULL`,
    [backfill],
  );
}

/**
 * Where to go on. Null where no sweep is under way and none is due: the last one began less than `everySeconds` ago, or
 * sweeps are not the way changes are found and nobody wants one.
 */
export async function beginSweep(
  db: Queryable,
  { id, backfill }: Pick<Run, 'id' | 'backfill'>,
  everySeconds: number,
): Promise<SweepCursor | null> {
  const begun = await db.query<SweepCursor>(
    `UPDATE pgvector_backfill.sync
        SET sweep_started_at = CASE WHEN sweep_batch IS NULL THEN now() ELSE sweep_started_at END,
            sweep_wanted = sweep_wanted AND sweep_batch IS NOT NULL,
            sweep_batch = coalesce(sweep_batch, $3)
      WHERE backfill = $1 AND ${newestSql('$4')}
        AND (sweep_batch IS NOT NULL OR sweep_wanted
             OR (mode = 'sweep' AND coalesce(sweep_started_at + make_interval(secs => $2) <= now(), true)))
      RETURNING sweep_batch AS batch, sweep_key AS key`,
    [backfill, everySeconds, SWEEP_START.batch, id],
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
