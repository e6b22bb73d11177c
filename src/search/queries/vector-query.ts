/** Nearest rows by vector, as SQL: the shape that the index serves, and the exact one to judge it by. */

import type pg from 'pg';
import { TABLE_LIMITS, inSearch, type TransactionLimits } from '../../db/transaction.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { candidatesSql, hasCandidates, isReranked, nearestOfSql } from '../../table/candidates.ts';
import { indexedDistance, storedDistance, unindexedDistance } from '../../table/distance.ts';
import type { Metric } from '../../table/metric.ts';
import { vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import { keyTextSql, legacyKey } from '../../table/key.ts';
import type { Target } from '../../table/backfill-target.ts';
import { isAtLeast } from '../../table/vector-extension.ts';
import { filterFault, filterSql, filterValues, type Filter } from './filter.ts';
import { assertTrustedFilter } from './trusted-filter.ts';
import { forDepth, type ReadSettings } from '../../ledger/reads/read-settings.ts';

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
  | 'exact'
  /** Every row that matches compared, by whatever path there is to these but a vector index. */
  | 'unindexed';

/** How a search runs besides its scan mode; nothing of it where absent. */
export interface ScanOptions {
  filter?: Filter | null;
  read?: ReadSettings;
  limits?: TransactionLimits;
}

/**
 * The filter's values first, then the query vector as text, then the number of rows. ORDER BY column operator constant
 * LIMIT n is the only shape that pgvector's indexes serve; the condition of the eligible rows stands in it, because a row
 * may have left them after it was embedded. Candidates by bits are ordered again around it, passages gathered to rows.
 */
export function nearestSql(
  target: Target,
  metric: Metric,
  filter: Filter | null = null,
  mode: ScanMode = 'planned',
): string {
  const at = filter?.values.length ?? 0;
  const vector = `$${at + 1}::${target.vectorPrefix}vector`;
  const distance = storedDistance(target, metric, vector);
  // Exact search goes by the stored vectors, whatever the index made of them.
  const order = {
    planned: indexedDistance,
    index: indexedDistance,
    exact: storedDistance,
    unindexed: unindexedDistance,
  }[mode](target, metric, vector);
  const k = `$${at + 2}`;
  const byIndex = mode === 'planned' || mode === 'index';
  // Of passages that are all compared those of a row are gathered before any are left out.
  const isAll = target.hasPassages && !byIndex;
  const end = isAll ? '' : ` ORDER BY ${order} LIMIT ${byIndex ? candidatesSql(target, k) : k}`;
  // Rows without a vector are in no index, but a sequential scan would bring them as hits of no distance.
  const scan = `SELECT ${keyTextSql(target, legacyKey(target))} AS key, (${distance})::float8 AS distance
    FROM ${vectorRows(target, 'each')} WHERE ${target.where}${filterSql(filter)} AND ${vectorColumn(target)} IS NOT NULL${end}`;
  return isAll || (byIndex && hasCandidates(target)) ? nearestOfSql(target, scan, ['key'], k) : scan;
}

export const nearestValues = (filter: Filter | null, vector: string, k: number): unknown[] => [
  ...filterValues(filter),
  vector,
  k,
];

const SCAN_SETTINGS: Record<ScanMode, string[]> = {
  planned: [],
  index: ['SET LOCAL enable_seqscan = off', 'SET LOCAL enable_sort = off'],
  exact: [
    'SET LOCAL enable_indexscan = off',
    'SET LOCAL enable_indexonlyscan = off',
    'SET LOCAL enable_bitmapscan = off',
  ],
  unindexed: [],
};

/**
 * Without them an index scan ends with its first candidates, whatever becomes of these: a condition may not hold for them,
 * and rows that were deleted or changed stand among them until vacuum has been by. Where the first are enough, they do no
 * more. As exact as each method can: IVFFlat has no strict order.
 */
const ITERATIVE: ReadSettings = {
  'hnsw.iterative_scan': 'strict_order',
  'ivfflat.iterative_scan': 'relaxed_order',
};

/** What reads are run with where nothing else was said. @param version of pgvector: iterative scans exist since 0.8.0 */
export const iterativeSettings = (version: string | null): ReadSettings =>
  isAtLeast(version ?? '0', '0.8.0') ? ITERATIVE : {};

/** Runs `work` in a short transaction with the scan's settings; SET LOCAL, so that a pooler hands nothing on. */
export async function withScan<T>(
  pool: Pool,
  target: Target,
  mode: ScanMode,
  work: (client: pg.PoolClient) => Promise<T>,
  { read = {}, limits = { ...TABLE_LIMITS, tries: 2 } }: ScanOptions = {},
): Promise<T> {
  return inSearch(pool, limits, async (client) => {
    for (const setting of SCAN_SETTINGS[mode]) await client.query(setting);
    if (mode === 'exact' || mode === 'unindexed') return work(client);
    // The library is loaded by its first use; before that its settings are unknown to the server.
    const found = await client.query<{ version: string | null }>(
      `SELECT (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'vector') AS version, '[1]'::${target.vectorPrefix}vector IS NULL`,
    );
    const scan = isReranked(target) ? forDepth(read, target.candidates) : read;
    const settings = Object.entries({ ...iterativeSettings(found.rows[0]?.version ?? null), ...scan });
    if (settings.length > 0)
      await client.query(
        `SELECT ${settings.map((_, at) => `pg_catalog.set_config($${2 * at + 1}, $${2 * at + 2}, true)`).join(', ')}`,
        settings.flat(),
      );
    return work(client);
  });
}

export interface TimedNeighbours {
  neighbours: Neighbour[];
  milliseconds: number;
}

/** The `k` nearest rows, with the time of the query itself. @throws ConfigError where the filter does not run */
export async function nearest(
  pool: Pool,
  target: Target,
  metric: Metric,
  vector: string,
  k: number,
  mode: ScanMode,
  options: ScanOptions = {},
): Promise<TimedNeighbours> {
  const [found] = await nearestOfEach(pool, target, metric, [vector], k, mode, options);
  return found as TimedNeighbours;
}

/** The same for several queries under one set of settings: a transaction of its own would cost more than the query. */
export async function nearestOfEach(
  pool: Pool,
  target: Target,
  metric: Metric,
  vectors: readonly string[],
  k: number,
  mode: ScanMode,
  options: ScanOptions = {},
): Promise<TimedNeighbours[]> {
  const filter = options.filter ?? null;
  const sql = nearestSql(target, metric, filter, mode);
  const work = async (client: Queryable): Promise<TimedNeighbours[]> => {
    const answers: TimedNeighbours[] = [];
    for (const vector of vectors) {
      const started = performance.now();
      const found = await client.query<Neighbour>(sql, nearestValues(filter, vector, k));
      answers.push({ neighbours: found.rows, milliseconds: performance.now() - started });
    }
    return answers;
  };
  await assertTrustedFilter(pool, target, filter);
  try {
    return await withScan(pool, target, mode, work, options);
  } catch (error) {
    throw filterFault(error, filter);
  }
}
