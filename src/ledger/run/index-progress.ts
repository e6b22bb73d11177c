/** How far the build of a run's index is. */

import type { Queryable } from '../../db/pool.ts';
import { utf8Json, utf8JsonSql } from '../../db/utf8-text.ts';

/** A session that the index build waits for. Never what it runs: a statement's text may hold the application's data. */
export interface IndexBlocker {
  /** 0 for a prepared transaction. */
  pid: number;
  /** application_name, or the kind of process where it gives none. */
  application: string;
  /** As in pg_stat_activity, such as `idle in transaction`. */
  state: string;
  waitEvent: string | null;
  /** Since when it is in that state; null where the role may not see it. */
  ageSeconds: number | null;
}

export interface IndexProgress {
  name: string;
  method: string;
  phase: string | null;
  /** 0 to 1; null where the phase has no measure. */
  progress: number | null;
  seconds: number | null;
  /** To the end of the phase. */
  secondsLeft?: number | null;
  blockers?: readonly IndexBlocker[];
}

export async function saveIndexProgress(db: Queryable, id: string, index: IndexProgress): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET index_name = $2, index_method = $3, index_phase = $4, index_progress = $5,
            index_seconds = coalesce($6, index_seconds), index_blockers = ${utf8JsonSql('$7')}, index_seconds_left = $8, index_seen_at = clock_timestamp() WHERE id = $1`,
    [
      id,
      index.name,
      index.method,
      index.phase,
      index.progress,
      index.seconds,
      utf8Json(index.blockers ?? []),
      index.secondsLeft ?? null,
    ],
  );
}
