/** The index build: its forecast, and what was measured of it, kept with the run. */

import type { Queryable } from '../../db/pool.ts';
import { utf8Json, utf8JsonSql } from '../../db/utf8-text.ts';

export interface IndexForecast {
  /** Of the indexed vectors: `vector`, `halfvec` or `bit`. */
  type: string;
  /** To build it: the graph without spilling, or the centres of the lists, bytes. */
  memoryBytes: number;
  /** On disk. */
  sizeBytes: number;
  /** WAL of the build: it writes every page of the index once. */
  walBytes: number;
  /** By the last build of this backfill, or by a small one on a sample; null where neither can tell. */
  seconds: number | null;
}

export interface IndexMeasurements {
  sizeBytes: number;
  /** WAL of the whole server while the index was built, others' writes included; null where it cannot be read. */
  walBytes: number | null;
  /** From the first session's beginning; null where not even that was seen. */
  seconds: number | null;
  /** Of these, those in which it waited for other sessions. Absent in builds of an older release, as are the next two. */
  waitedSeconds?: number;
  /** Parallel workers, the most at a time. */
  workers?: number;
  /** maintenance_work_mem that it had; null of a build that was only watched to its end. */
  memoryBytes?: number | null;
  /** Rows in the graph when it left that memory; null where it fitted, or was only watched. */
  spilledAfter: number | null;
}

/** `actual`: null while the index is being built. */
export async function saveIndexMeasurements(
  db: Queryable,
  run: string,
  forecast: IndexForecast,
  actual: IndexMeasurements | null,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.run SET index_forecast = ${utf8JsonSql('$2')}, index_actual = ${utf8JsonSql('$3')} WHERE id = $1`,
    [run, utf8Json(forecast), actual === null ? null : utf8Json(actual)],
  );
}

/** Where the finalizer has found the index there, or waited for it. @returns false where whoever has built it has saved more. */
export async function saveObservedBuild(
  db: Queryable,
  run: string,
  forecast: IndexForecast,
  actual: IndexMeasurements,
): Promise<boolean> {
  const saved = await db.query(
    `UPDATE pgvector_backfill.run SET index_forecast = coalesce(index_forecast, ${utf8JsonSql('$2')}), index_actual = ${utf8JsonSql('$3')}
      WHERE id = $1 AND index_actual IS NULL`,
    [run, utf8Json(forecast), utf8Json(actual)],
  );
  return saved.rowCount === 1;
}

/** Seconds a byte of index without its waits, from the newest build of the backfill; null before the first one. */
export async function lastBuildRate(db: Queryable, backfill: string, method: string): Promise<number | null> {
  const found = await db.query<{ rate: number | null }>(
    `SELECT ((index_actual->>'seconds')::float8 - coalesce((index_actual->>'waitedSeconds')::float8, 0)) / nullif((index_actual->>'sizeBytes')::float8, 0) AS rate
       FROM pgvector_backfill.run WHERE backfill = $1 AND index_method = $2 AND index_actual->>'seconds' IS NOT NULL
      ORDER BY id DESC LIMIT 1`,
    [backfill, method],
  );
  return found.rows[0]?.rate ?? null;
}
