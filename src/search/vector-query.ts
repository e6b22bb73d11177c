/** Nearest rows by vector, as SQL: the shape that the index serves, and the exact one to judge it by. */

import type pg from 'pg';
import { quoteName } from '../db/identifiers.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { distanceOperator, type Metric } from '../table/metric.ts';
import type { Target } from '../table/target.ts';

export interface Neighbour {
  key: string;
  distance: number;
}

export type ScanMode =
  /** As the planner decides. */
  | 'planned'
  /** The index wherever it can be used at all. */
  | 'index'
  /** Every row compared. */
  | 'exact';

/**
 * $1 query vector as text, $2 number of rows. ORDER BY column operator constant LIMIT n is the only shape that pgvector's
 * indexes serve; the condition of the eligible rows stands in it, because a row may have left them after it was embedded.
 */
export function nearestSql(target: Target, metric: Metric): string {
  const column = `${target.ref}.${quoteName(target.column)}`;
  const distance = `${column} ${distanceOperator(metric, target.vectorPrefix)} $1::${target.vectorPrefix}vector`;
  // Rows without a vector are in no index, but a sequential scan would bring them as hits of no distance.
  return `SELECT ${target.ref}.${quoteName(target.key)}::text AS key, (${distance})::float8 AS distance
    FROM ${target.table} WHERE ${target.where} AND ${column} IS NOT NULL ORDER BY ${distance} LIMIT $2`;
}

const SCAN_SETTINGS: Record<ScanMode, string[]> = {
  planned: [],
  index: ['SET LOCAL enable_seqscan = off', 'SET LOCAL enable_sort = off'],
  exact: [
    'SET LOCAL enable_indexscan = off',
    'SET LOCAL enable_indexonlyscan = off',
    'SET LOCAL enable_bitmapscan = off',
  ],
};

/** Whether iterative scans exist (0.8.0): with a condition in the query they keep it from coming back with too few rows. */
async function iterativeScan(client: Queryable): Promise<boolean> {
  const found = await client.query<{ known: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'vector' AND string_to_array(regexp_replace(extversion, '[^0-9.].*', ''), '.')::int[] >= '{0,8,0}') AS known`,
  );
  return found.rows[0]?.known === true;
}

/** Runs `work` in a short transaction with the scan's settings; SET LOCAL, so that a pooler hands nothing on. */
export async function withScan<T>(
  pool: Pool,
  target: Target,
  mode: ScanMode,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, { ...TABLE_LIMITS, tries: 2 }, async (client) => {
    for (const setting of SCAN_SETTINGS[mode]) await client.query(setting);
    if (mode !== 'exact' && target.where !== '(true)' && (await iterativeScan(client))) {
      // The library is loaded by its first use; before that its settings are unknown to the server.
      await client.query(`SELECT '[1]'::${target.vectorPrefix}vector`);
      await client.query('SET LOCAL hnsw.iterative_scan = strict_order');
    }
    return work(client);
  });
}

export interface TimedNeighbours {
  neighbours: Neighbour[];
  milliseconds: number;
}

/** The `k` nearest rows, with the time of the query itself. */
export function nearest(
  pool: Pool,
  target: Target,
  metric: Metric,
  vector: string,
  k: number,
  mode: ScanMode,
): Promise<TimedNeighbours> {
  const sql = nearestSql(target, metric);
  return withScan(pool, target, mode, async (client) => {
    const started = performance.now();
    const found = await client.query<Neighbour>(sql, [vector, k]);
    return { neighbours: found.rows, milliseconds: performance.now() - started };
  });
}
