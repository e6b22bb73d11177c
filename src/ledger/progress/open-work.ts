/** What the ledger has to do, and a mark of it that changes with each step: whoever sees the same mark twice sees nothing move. */

import type { Queryable } from '../../db/pool.ts';
import { sharedName } from '../changes/shared-changes.ts';
import { OPEN_STATES, SYNCED_STATES } from '../run/run.ts';

/** By the role of a worker: null where there is nothing for it to do. */
export interface Work {
  embed: string | null;
  finalize: string | null;
  sync: string | null;
}

/** Words of the finalizer that waits for the last batches (workers/finalize.ts). */
export const WAITS_FOR_BATCHES = 'the index is built';

/** SQL, of a row `r` of run: the finalizer is called and not answered, or in the middle of something. */
const OWED = `r.state = 'finalizing' OR (r.state = 'running' AND r.finalizer_calls > r.finalizer_answered)
  OR (r.state = 'verifying' AND open = 0 AND (r.finalizer_calls > r.finalizer_answered OR r.reason = '' OR starts_with(r.reason, '${WAITS_FOR_BATCHES}')))`;

/**
 * A run that is paused or has failed waits for the operator: nothing of it is to do. So do changes whose drain says what
 * keeps it.
 */
export async function workToDo(db: Queryable, backfill: string): Promise<Work> {
  const found = await db.query<Work>(
    `SELECT CASE WHEN r.state = ANY ($2) AND open > 0 THEN concat_ws(' ', r.id, b.mark) END AS embed,
            CASE WHEN ${OWED}
                 THEN concat_ws(' ', r.id, r.state, r.reason, r.finalizer_calls, r.finalizer_answered, r.index_phase, r.index_progress, r.index_seen_at) END AS finalize,
            CASE WHEN r.state = ANY ($3) AND s.mode <> 'off' AND s.failure = '' AND c.first IS NOT NULL
                 THEN concat_ws(' ', c.first, s.drained_at, s.token, s.leased_until) END AS sync
       FROM (SELECT * FROM pgvector_backfill.run WHERE run.backfill = $1 AND planned_at IS NOT NULL ORDER BY id DESC LIMIT 1) r
       LEFT JOIN pgvector_backfill.sync s ON s.backfill = $1
       CROSS JOIN LATERAL (SELECT least((SELECT id FROM pgvector_backfill.change WHERE change.backfill = $1 ORDER BY id LIMIT 1),
                                        (SELECT id FROM pgvector_backfill.change WHERE change.backfill = $4 AND s.captured_table IS NOT NULL ORDER BY id LIMIT 1)) AS first) c
       CROSS JOIN LATERAL (
         SELECT count(*) FILTER (WHERE state IN ('pending', 'staged')) AS open,
                concat_ws(' ', count(*) FILTER (WHERE state = 'merged'), max(started_at), max(staged_at), max(merged_at), max(failed_at)) AS mark
           FROM pgvector_backfill.batch WHERE run = r.id) b`,
    [backfill, OPEN_STATES, SYNCED_STATES, sharedName(backfill)],
  );
  return found.rows[0] ?? { embed: null, finalize: null, sync: null };
}

/** By the server's clock: jobs of a run that was planned a moment ago may still be on their way to the queue. */
export async function isPlannedWithin(db: Queryable, run: string, seconds: number): Promise<boolean> {
  const found = await db.query(
    `SELECT 1 FROM pgvector_backfill.run WHERE id = $1 AND planned_at > clock_timestamp() - make_interval(secs => $2)`,
    [run, seconds],
  );
  return found.rowCount === 1;
}
