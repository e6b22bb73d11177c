/** How long the applications' searches took, by read mode: sums over all processes, from the first search on. */

import type { Queryable } from '../../db/pool.ts';
import { bucketOf, emptyHistogram } from '../../observability/histogram.ts';
import type { ReadMode } from './read-mode.ts';
import { addArraysSql } from './read-stats.ts';

export interface ReadTimes {
  /** Counts by bucket (histogram.ts). */
  ms: number[];
  totalMs: number;
  /** Searches that threw; their times are not among the others. */
  errors: number;
}

export const emptyTimes = (): ReadTimes => ({ ms: emptyHistogram(), totalMs: 0, errors: 0 });

export function addTime(times: ReadTimes, milliseconds: number): void {
  const bucket = bucketOf(milliseconds);
  times.ms[bucket] = (times.ms[bucket] ?? 0) + 1;
  times.totalMs += milliseconds;
}

/** Adds to what other processes have counted. Nothing where the backfill is gone. */
export async function addReadTimes(
  db: Queryable,
  backfill: string,
  mode: ReadMode,
  { ms, totalMs, errors }: ReadTimes,
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.read_times AS s (backfill, mode, ms, total_ms, errors)
     SELECT name, $2, $3, $4, $5 FROM pgvector_backfill.backfill WHERE name = $1
     ON CONFLICT (backfill, mode) DO UPDATE SET ${addArraysSql('ms')}, total_ms = s.total_ms + excluded.total_ms, errors = s.errors + excluded.errors`,
    [backfill, mode, ms, totalMs, errors],
  );
}

export async function readTimes(
  db: Queryable,
  backfill: string,
): Promise<(ReadTimes & { mode: ReadMode })[]> {
  const found = await db.query<ReadTimes & { mode: ReadMode }>(
    `SELECT mode, ms::float8[] AS ms, total_ms AS "totalMs", errors::float8 AS errors
       FROM pgvector_backfill.read_times WHERE backfill = $1 ORDER BY mode`,
    [backfill],
  );
  return found.rows;
}
