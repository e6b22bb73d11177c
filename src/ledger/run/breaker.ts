/** The circuit breaker: a run most of whose batches fail stops itself, before it has failed all of them. */

import type { Queryable } from '../../db/pool.ts';

/** Fewer ended batches say nothing. */
const MIN_BATCHES = 50;

/** A sentence where, of the last 50 batches that ended since the run was started or resumed, over half failed; else null. */
export async function tooManyFailures(db: Queryable, run: string): Promise<string | null> {
  const found = await db.query<{ ended: number; failed: number; reason: string | null }>(
    `SELECT count(*)::int AS ended, count(*) FILTER (WHERE state = 'failed')::int AS failed,
            (array_agg(reason ORDER BY ended_at DESC) FILTER (WHERE state = 'failed'))[1] AS reason
       FROM (SELECT b.state, b.reason, CASE b.state WHEN 'merged' THEN b.merged_at ELSE b.failed_at END AS ended_at
               FROM pgvector_backfill.batch b JOIN pgvector_backfill.run r ON r.id = b.run
              WHERE b.run = $1 AND b.state IN ('merged', 'failed')
                AND CASE b.state WHEN 'merged' THEN b.merged_at ELSE b.failed_at END > r.judged_since
              ORDER BY ended_at DESC LIMIT $2) last`,
    [run, MIN_BATCHES],
  );
  const { ended = 0, failed = 0, reason = null } = found.rows[0] ?? {};
  if (ended < MIN_BATCHES || failed * 2 <= ended) return null;
  return `${failed} of the last ${ended} batches failed, the last one because: ${reason ?? 'unknown'}`;
}

/** What came before no longer counts. */
export async function resetBreaker(db: Queryable, run: string): Promise<void> {
  await db.query('UPDATE pgvector_backfill.run SET judged_since = now() WHERE id = $1', [run]);
}
