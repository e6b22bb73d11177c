/** A run goes from one state to another, or says why it stays. */

import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';
import type { RunState } from './run.ts';

/** Moves a run to `state` only from one of `from`. @returns whether it did: of several workers one does. */
export async function moveRun(
  db: Queryable,
  id: string,
  from: readonly RunState[],
  state: RunState,
  reason: string,
): Promise<boolean> {
  const moved = await db.query(
    `UPDATE pgvector_backfill.run
        SET state = $3, reason = said.reason,
            started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
            finished_at = CASE WHEN $3 IN ('ready', 'completed', 'failed') THEN now()
                               WHEN $3 = 'cut_over' THEN coalesce(finished_at, now()) END
       FROM (SELECT ${utf8Sql('$4')} AS reason) said
      WHERE id = $1 AND state = ANY ($2) AND (state, run.reason) IS DISTINCT FROM ($3, said.reason)`,
    [id, from, state, utf8(reason)],
  );
  return moved.rowCount === 1;
}

/** @returns whether it did; a run that is paused already keeps its first reason. */
export async function pauseRun(
  db: Queryable,
  id: string,
  from: readonly RunState[],
  reason: string,
): Promise<boolean> {
  const paused = await db.query(
    `UPDATE pgvector_backfill.run SET paused_from = state, state = 'paused', reason = ${utf8Sql('$3')} WHERE id = $1 AND state = ANY ($2)`,
    [id, from, utf8(reason)],
  );
  return paused.rowCount === 1;
}

/** Back to where it was; a run that failed, or was in the middle of something, begins that again as running. */
export async function unpauseRun(db: Queryable, id: string): Promise<boolean> {
  const resumed = await db.query(
    `UPDATE pgvector_backfill.run SET state = CASE WHEN paused_from IN ('ready', 'cut_over') THEN paused_from ELSE 'running' END,
            reason = '', paused_from = NULL, finished_at = CASE WHEN paused_from IN ('ready', 'cut_over') THEN finished_at END
      WHERE id = $1 AND state IN ('paused', 'failed')`,
    [id],
  );
  return resumed.rowCount === 1;
}

export async function setRunReason(db: Queryable, id: string, reason: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET reason = ${utf8Sql('$2')} WHERE id = $1 AND reason <> ${utf8Sql('$2')}`,
    [id, utf8(reason)],
  );
}

/** Older runs of the backfill that are still open: their jobs will find that they are over. */
export async function supersedeRuns(db: Queryable, backfill: string, newest: string): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET state = 'completed', reason = 'superseded by run ' || $2, finished_at = coalesce(finished_at, now())
      WHERE backfill = $1 AND id < $2::bigint AND state <> 'completed'`,
    [backfill, newest],
  );
}

/** A run that stopped goes on: the operator says that the fault is repaired. */
export async function reopenFailedRun(db: Queryable, id: string): Promise<void> {
  await moveRun(db, id, ['failed'], 'running', '');
}
