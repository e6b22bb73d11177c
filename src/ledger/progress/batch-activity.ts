/** What goes on beside the sums of the snapshot: batches in progress, rows over time. Bounded, and from the ledger alone. */

import type { Queryable } from '../../db/pool.ts';

export interface BatchInProgress {
  number: number;
  /** host/process; null where a worker of an older release took it. */
  worker: string | null;
  state: 'pending' | 'staged';
  rows: number;
  /** First key, and the first one behind it; null where the range is open. */
  lower: string | null;
  upper: string | null;
  attempts: number;
  /** Since a worker last took it. One whose attempt failed waits here for its next one. */
  seconds: number;
}

/** As many as a page shows. */
const MAX_IN_HAND = 50;

/** Started and not ended, oldest first. */
export async function batchesInProgress(db: Queryable, run: string): Promise<BatchInProgress[]> {
  const found = await db.query<BatchInProgress>(
    `SELECT number, worker, state, rows::float8 AS rows, lower_key AS lower, upper_key AS upper, attempts,
            extract(epoch FROM now() - started_at)::float8 AS seconds
       FROM pgvector_backfill.batch
      WHERE run = $1 AND started_at IS NOT NULL AND state IN ('pending', 'staged') ORDER BY started_at LIMIT $2`,
    [run, MAX_IN_HAND],
  );
  return found.rows;
}

/** Window of the rate, s: long enough to hold several batches, short enough to follow a change. */
export const RATE_WINDOW_SECONDS = 300;

/** An ETA before this share is a guess. */
export const MIN_SHARE_FOR_ETA = 0.01;

export interface PastRate {
  /** Before now. */
  secondsAgo: number;
  rowsPerSecond: number;
  /** At that rate, of the rows that were left then; null where nothing moved, and before 1 %. */
  etaSeconds: number | null;
}

/**
 * Merged rows a second, as the snapshot would have told them at the end of each of `parts` equal parts of the time since the
 * first batch was taken up: over the window before it, as batches come in lumps. Empty before the first merge. One pass over the batches.
 */
export async function pastRates(
  db: Queryable,
  run: string,
  parts: number,
  windowSeconds = RATE_WINDOW_SECONDS,
): Promise<PastRate[]> {
  const found = await db.query<PastRate>(
    `WITH span AS (
       SELECT m.first, greatest(extract(epoch FROM m.last - m.first)::float8, 0.001) / $2::int AS width, m.total
         FROM (SELECT min(started_at) AS first, max(merged_at) FILTER (WHERE state = 'merged') AS last, sum(rows)::float8 AS total
                 FROM pgvector_backfill.batch WHERE run = $1) m
        WHERE m.last IS NOT NULL),
     sums AS (
       SELECT least(greatest(floor(extract(epoch FROM merged_at - first)::float8 / width)::int, 0), $2::int - 1) AS part, sum(eligible)::float8 AS rows
         FROM pgvector_backfill.batch, span WHERE run = $1 AND state = 'merged' GROUP BY part),
     points AS (
       SELECT part, sum(coalesce(rows, 0)) OVER (ORDER BY part) AS done, least(greatest(ceil($3::float8 / width), 1), part + 1)::int AS parts
         FROM span, generate_series(0, $2::int - 1) part LEFT JOIN sums USING (part)),
     rates AS (
       SELECT p.part, p.done, (p.done - coalesce(q.done, 0)) / (p.parts * width) AS rate
         FROM span, points p LEFT JOIN points q ON q.part = p.part - p.parts)
     SELECT extract(epoch FROM now() - first)::float8 - (part + 1) * width AS "secondsAgo", rate AS "rowsPerSecond",
            CASE WHEN rate > 0 AND done >= $4 * total THEN greatest(total - done, 0) / rate END AS "etaSeconds"
       FROM span, rates ORDER BY part`,
    [run, parts, windowSeconds, MIN_SHARE_FOR_ETA],
  );
  return found.rows;
}
