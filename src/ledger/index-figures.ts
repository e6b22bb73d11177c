/** The index build in figures: foretold before it, measured after it, kept with the run. */

import type { Queryable } from '../db/pool.ts';

export interface IndexForecast {
  /** Of the indexed vectors: `vector` or `halfvec`. */
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

export interface IndexActual {
  sizeBytes: number;
  /** WAL of the whole server while the index was built, others' writes included; null where it cannot be read. */
  walBytes: number | null;
  seconds: number;
  /** Rows in the graph when it left maintenance_work_mem; null where it fitted. */
  spilledAfter: number | null;
}

/** `actual`: null while the index is being built. */
export async function saveIndexFigures(
  db: Queryable,
  run: string,
  forecast: IndexForecast,
  actual: IndexActual | null,
): Promise<void> {
  await db.query('UPDATE pgvector_backfill.run SET index_forecast = $2, index_actual = $3 WHERE id = $1', [
    run,
    forecast,
    actual,
  ]);
}

/** Seconds a byte of index, from the newest build of the backfill; null before the first one. */
export async function lastBuildRate(db: Queryable, backfill: string, method: string): Promise<number | null> {
  const found = await db.query<{ rate: number | null }>(
    `SELECT (index_actual->>'seconds')::float8 / nullif((index_actual->>'sizeBytes')::float8, 0) AS rate
       FROM pgvector_backfill.run WHERE backfill = $1 AND index_method = $2 AND index_actual IS NOT NULL
      ORDER BY id DESC LIMIT 1`,
    [backfill, method],
  );
  return found.rows[0]?.rate ?? null;
}
