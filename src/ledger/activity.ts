/** What goes on beside the sums of the snapshot: batches in hand, rows over time. Bounded, and from the ledger alone. */

import type { Queryable } from '../db/pool.ts';

export interface BatchInHand {
  number: number;
  /** host/process; null where a worker of an older release took it. */
  worker: string | null;
  state: 'pending' | 'staged';
  rows: number;
  /** First key, and the first one behind it; null where the range is open. */
  lower: string | null;
  upper: string | null;
  attempts: number;
  /** Since it was taken in hand last. One whose attempt failed waits here for its next one. */
  seconds: number;
}

/** As many as a page shows. */
const MOST_IN_HAND = 50;

/** Started and not ended, oldest first. */
export async function batchesInHand(db: Queryable, run: string): Promise<BatchInHand[]> {
  const found = await db.query<BatchInHand>(
    `SELECT number, worker, state, rows::float8 AS rows, lower_key AS lower, upper_key AS upper, attempts,
            extract(epoch FROM now() - started_at)::float8 AS seconds
       FROM pgvector_backfill.batch
      WHERE run = $1 AND started_at IS NOT NULL AND state IN ('pending', 'staged') ORDER BY started_at LIMIT $2`,
    [run, MOST_IN_HAND],
  );
  return found.rows;
}

export interface PastRate {
  /** Before now. */
  secondsAgo: number;
  rowsPerSecond: number;
  /** At that rate, of the rows that were left then. */
  etaSeconds: number | null;
}

/** Merged rows a second in `parts` equal parts of the run's time so far; empty before the first merge. One pass over the batches. */
export async function pastRates(db: Queryable, run: string, parts: number): Promise<PastRate[]> {
  const found = await db.query<PastRate>(
    `WITH span AS (
       SELECT r.started_at AS first, greatest(extract(epoch FROM m.last - r.started_at)::float8, 0.001) / $2::int AS width, m.total
         FROM pgvector_backfill.run r,
              LATERAL (SELECT max(merged_at) FILTER (WHERE state = 'merged') AS last, sum(rows)::float8 AS total
                         FROM pgvector_backfill.batch WHERE run = r.id) m
        WHERE r.id = $1 AND r.started_at IS NOT NULL AND m.last IS NOT NULL),
     sums AS (
       SELECT least(greatest(floor(extract(epoch FROM merged_at - first)::float8 / width)::int, 0), $2::int - 1) AS part, sum(eligible)::float8 AS rows
         FROM pgvector_backfill.batch, span WHERE run = $1 AND state = 'merged' GROUP BY part),
     points AS (
       SELECT extract(epoch FROM now() - first)::float8 - (part + 1) * width AS ago, coalesce(rows, 0) / width AS rate,
              total - sum(coalesce(rows, 0)) OVER (ORDER BY part) AS rest, part
         FROM span, generate_series(0, $2::int - 1) part LEFT JOIN sums USING (part))
     SELECT ago AS "secondsAgo", rate AS "rowsPerSecond", CASE WHEN rate > 0 THEN greatest(rest, 0) / rate END AS "etaSeconds"
       FROM points ORDER BY part`,
    [run, parts],
  );
  return found.rows;
}
