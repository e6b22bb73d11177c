/** Relevance of one generation against the live one, as verifications have measured it. */

import type { Queryable } from '../../db/pool.ts';
import type { Interval } from '../../relevance/bootstrap.ts';

export interface LiveRelevance {
  queries: number;
  querySet: string;
  /** nDCG@10 of both; null where the search passed the time limit. */
  own: number | null;
  live: number | null;
  /** `own` minus `live`, on the same queries, with its 95 % interval. */
  difference: (Interval & { value: number }) | null;
}

/** Of those of the run, the last one that has measured it on judged queries against that run of the live generation. */
export async function lastLiveRelevance(
  db: Queryable,
  { id, backfill }: { id: string; backfill: string },
  liveRun: string,
): Promise<{ id: string; relevance: LiveRelevance } | null> {
  const found = await db.query<{ id: string; relevance: LiveRelevance }>(
    `SELECT id::text AS id, result #> '{live,relevance}' AS relevance FROM pgvector_backfill.verification
      WHERE backfill = $1 AND run = $2 AND result #>> '{live,run}' = $3
        AND result #>> '{live,relevance,difference,low}' IS NOT NULL
      ORDER BY verification.id DESC LIMIT 1`,
    [backfill, id, liveRun],
  );
  return found.rows[0] ?? null;
}
