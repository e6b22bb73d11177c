/** What the batches of a run come to together. */

import type { Queryable } from '../../db/pool.ts';
import type { BatchCounts } from '../batch/batch.ts';
import type { Run } from '../run/run.ts';
import { RATE_WINDOW_SECONDS } from './batch-activity.ts';

export interface Sums extends BatchCounts {
  stagedRows: number;
  masked: Record<string, number>;
  pending: number;
  staged: number;
  merged: number;
  failed: number;
  retries: number;
  tokens: number;
  recentRows: number;
  recentSeconds: number | null;
  runSeconds: number | null;
  idleSeconds: number | null;
  longestSeconds: number | null;
}

export async function sumBatches(db: Queryable, run: Run): Promise<Sums> {
  const summed = await db.query<Sums>(
    `SELECT coalesce(sum(CASE WHEN state = 'merged' THEN eligible ELSE rows END), 0)::float8 AS eligible,
            coalesce(sum(embedded) FILTER (WHERE state = 'merged'), 0)::float8 AS embedded,
            coalesce(sum(skipped) FILTER (WHERE state = 'merged'), 0)::float8 AS skipped,
            coalesce(sum(quarantined) FILTER (WHERE state = 'merged'), 0)::float8 AS quarantined,
            coalesce(sum(changed) FILTER (WHERE state = 'merged'), 0)::float8 AS changed,
            coalesce(sum(truncated) FILTER (WHERE state = 'merged'), 0)::float8 AS truncated,
            coalesce(sum(adopted) FILTER (WHERE state = 'merged'), 0)::float8 AS adopted,
            coalesce(sum(passages) FILTER (WHERE state = 'merged'), 0)::float8 AS passages,
            coalesce(sum(rows) FILTER (WHERE state = 'staged'), 0)::float8 AS "stagedRows",
            (SELECT coalesce(jsonb_object_agg(key, total), '{}')
               FROM (SELECT key, sum(value::bigint) AS total FROM pgvector_backfill.batch, jsonb_each_text(masked)
                      WHERE run = $1 GROUP BY key) types) AS masked,
            count(*) FILTER (WHERE state = 'pending')::int AS pending,
            count(*) FILTER (WHERE state = 'staged')::int AS staged,
            count(*) FILTER (WHERE state = 'merged')::int AS merged,
            count(*) FILTER (WHERE state = 'failed')::int AS failed,
            coalesce(sum(greatest(attempts - 1, 0)), 0)::float8 AS retries, coalesce(sum(tokens), 0)::float8 AS tokens,
            coalesce(sum(eligible) FILTER (WHERE state = 'merged' AND merged_at > now() - make_interval(secs => $2)), 0)::float8 AS "recentRows",
            extract(epoch FROM now() - greatest(min(started_at) FILTER (WHERE merged_at > now() - make_interval(secs => $2)),
                                                now() - make_interval(secs => $2)))::float8 AS "recentSeconds",
            extract(epoch FROM max(merged_at) - min(started_at))::float8 AS "runSeconds",
            extract(epoch FROM now() - greatest(max(started_at), max(staged_at), max(merged_at), max(failed_at)))::float8 AS "idleSeconds",
            max(extract(epoch FROM merged_at - started_at)) FILTER (WHERE merged_at > now() - make_interval(secs => $2))::float8 AS "longestSeconds"
       FROM pgvector_backfill.batch WHERE run = $1`,
    [run.id, RATE_WINDOW_SECONDS],
  );
  return summed.rows[0] as Sums;
}
