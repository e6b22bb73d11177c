import type { Queryable } from '../../db/pool.ts';
import type { RunState } from '../run/run.ts';

export interface UnfinishedCounts {
  /** Of a run that is gone: empty. */
  state: RunState | '';
  /** Batches in all. */
  planned: number;
  /** Of these, those that are not merged, and those of them that have failed. */
  unfinished: number;
  failed: number;
}

/** By index alone: asked behind each batch. */
export async function unfinishedCounts(db: Queryable, run: string): Promise<UnfinishedCounts> {
  const counted = await db.query<UnfinishedCounts>(
    `SELECT (SELECT count(*)::int FROM pgvector_backfill.batch WHERE run = $1 AND state <> 'merged') AS unfinished,
            (SELECT count(*)::int FROM pgvector_backfill.batch WHERE run = $1 AND state = 'failed') AS failed,
            state, batches_planned AS planned FROM pgvector_backfill.run WHERE id = $1`,
    [run],
  );
  return counted.rows[0] ?? { unfinished: 0, failed: 0, state: '', planned: 0 };
}
