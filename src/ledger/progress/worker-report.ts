/** What worker processes say of themselves, for whoever looks at the ledger alone. */

import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';

/** Why nothing moves although the ledger has work. */
export type StallCause =
  | 'queue-fault'
  | 'queue-paused'
  | 'queue-limited'
  | 'jobs-lost'
  | 'jobs-not-taken'
  | 'model-unavailable'
  | 'no-worker';

export interface Stall {
  cause: StallCause;
  reason: string;
  /** Since when nothing moves. */
  seconds: number;
}

export interface WorkerReport {
  /** host/process. */
  name: string;
  /** Of the queue's server; negative where it is behind. Null where that does not tell its time. */
  clockAheadSeconds: number | null;
  seenSecondsAgo: number;
  /** Why it does nothing for this generation, although it does for others; null where it can. */
  fault: string | null;
}

export interface WorkerReports {
  /** Those that have reported lately; at most 50. */
  workers: WorkerReport[];
  /** Of the worker that found it first; null where nobody did. */
  stall: Stall | null;
}

/** Several looks of a worker (src/worker/reconciler.ts). One that has not reported for so long is gone, or cannot write. */
export const REPORT_FRESH_SECONDS = 120;
const MAX_LISTED = 50;
const LACKS_MODEL = 'model-unavailable' satisfies StallCause;

/**
 * Takes away what workers that are gone have left, too.
 * @param stall null where something moves, or nothing is to do
 * @returns whether it is another cause than this worker's last one, and no other worker has said it already
 */
export async function saveReport(
  db: Queryable,
  backfill: string,
  name: string,
  { stall, clockAheadSeconds }: { stall: Stall | null; clockAheadSeconds: number | null },
): Promise<boolean> {
  const saved = await db.query<{ news: boolean }>(
    `WITH gone AS (DELETE FROM pgvector_backfill.worker WHERE backfill = $1 AND name <> $2 AND seen_at < clock_timestamp() - interval '1 day'),
          before AS (SELECT coalesce((SELECT cause FROM pgvector_backfill.worker WHERE backfill = $1 AND name = $2), '') <> $3
                        AND NOT EXISTS (SELECT 1 FROM pgvector_backfill.worker WHERE backfill = $1 AND name <> $2 AND cause = $3
                                           AND seen_at > clock_timestamp() - make_interval(secs => $7)) AS news)
     INSERT INTO pgvector_backfill.worker AS w (backfill, name, cause, reason, since, clock_ahead_seconds, seen_at)
     SELECT b.name, $2, $3, ${utf8Sql('$4')}, clock_timestamp() - make_interval(secs => $5), $6, clock_timestamp()
       FROM pgvector_backfill.backfill b WHERE b.name = $1
     ON CONFLICT (backfill, name) DO UPDATE SET cause = excluded.cause, reason = excluded.reason, since = excluded.since,
       clock_ahead_seconds = excluded.clock_ahead_seconds, seen_at = excluded.seen_at
     RETURNING (SELECT news FROM before) AS news`,
    [
      backfill,
      name,
      stall?.cause ?? '',
      utf8(stall?.reason ?? ''),
      stall?.seconds ?? null,
      clockAheadSeconds,
      REPORT_FRESH_SECONDS,
    ],
  );
  return saved.rows[0]?.news ?? false;
}

/** Of a worker that ends. */
export async function removeReport(db: Queryable, backfill: string, name: string): Promise<void> {
  await db.query('DELETE FROM pgvector_backfill.worker WHERE backfill = $1 AND name = $2', [backfill, name]);
}

/** Of a generation that others serve, one that lacks its model holds nothing up. */
export async function readReports(db: Queryable, backfill: string): Promise<WorkerReports> {
  const found = await db.query<
    Omit<WorkerReport, 'fault'> & { cause: StallCause | ''; reason: string; seconds: number | null }
  >(
    `SELECT name, clock_ahead_seconds AS "clockAheadSeconds", extract(epoch FROM clock_timestamp() - seen_at)::float8 AS "seenSecondsAgo",
            cause, reason, extract(epoch FROM clock_timestamp() - since)::float8 AS seconds
       FROM pgvector_backfill.worker WHERE backfill = $1 AND seen_at > clock_timestamp() - make_interval(secs => $2)
      ORDER BY cause = '${LACKS_MODEL}', cause = '', since, name LIMIT $3`,
    [backfill, REPORT_FRESH_SECONDS, MAX_LISTED],
  );
  const [first] = found.rows;
  return {
    workers: found.rows.map(({ name, clockAheadSeconds, seenSecondsAgo, cause, reason }) => ({
      name,
      clockAheadSeconds,
      seenSecondsAgo,
      fault: cause === LACKS_MODEL ? reason : null,
    })),
    stall:
      first === undefined || first.cause === ''
        ? null
        : { cause: first.cause, reason: first.reason, seconds: first.seconds ?? 0 },
  };
}
