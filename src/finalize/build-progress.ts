/** How far an index build is, and whom it waits for. */

import type { Queryable } from '../db/pool.ts';
import type { Target } from '../table/target.ts';

export interface BuildProgress {
  pid: number;
  phase: string;
  /** 0 to 1; null where the phase has no measure. HNSW counts blocks, IVFFlat tuples. */
  share: number | null;
  /** Process that the build waits for; null where it waits for none. */
  blockedBy: number | null;
}

/** The build under way on the table; null where there is none. */
export async function buildProgress(db: Queryable, target: Target): Promise<BuildProgress | null> {
  const found = await db.query<BuildProgress>(
    `SELECT pid, phase,
            CASE WHEN blocks_total > 0 THEN blocks_done::float8 / blocks_total
                 WHEN tuples_total > 0 THEN tuples_done::float8 / tuples_total END AS share,
            nullif(current_locker_pid, 0)::int AS "blockedBy"
       FROM pg_stat_progress_create_index WHERE relid = $1::regclass LIMIT 1`,
    [target.table],
  );
  return found.rows[0] ?? null;
}

export function describeProgress(progress: BuildProgress): string {
  const share = progress.share === null ? '' : ` ${Math.floor(progress.share * 100)} %`;
  const blocker = progress.blockedBy === null ? '' : `, waiting for process ${progress.blockedBy}`;
  return `${progress.phase}${share}${blocker}`;
}
