/** Nearest rows by vector, as SQL: the shape that the index serves, and the exact one to judge it by. */

import type pg from 'pg';
import { TABLE_LIMITS, inSearch, type TransactionLimits } from '../../db/transaction.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { candidatesSql, isReranked, rerankedSql } from '../../table/candidates.ts';
import { indexedDistance, storedDistance, unindexedDistance } from '../../table/distance.ts';
import type { Metric } from '../../table/metric.ts';
import { vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import { keyTextSql, legacyKey } from '../../table/key.ts';
import type { Target } from '../../table/backfill-target.ts';
import { isAtLeast } from '../../table/vector-extension.ts';
import { filterFault, filterSql, filterValues, type Filter } from './filter.ts';
import { assertTrustedFilter } from './trusted-filter.ts';
import { allPassagesSql, nearestPassagesSql } from './nearest-passages.ts';
import { forDepth, type ReadSettings } from '../../ledger/reads/read-settings.ts';

export interface Neighbour {
  key: string;
  distance: number;
  /** That of the row which is nearest; absent where a row has one vector. */
  passage?: FoundPassage;
}

export interface FoundPassage {
  /** Among the passages of the row's text, from 0. */
  number: number;
  /** Its place in the text, in characters; `end` is behind the last one. */
  start: number;
  end: number;
  /** Where it was asked for (`passageText`), and the row still has it. */
  text?: string;
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
 * may have left them after it was embedded. Candidates of an index of bits are ordered again around it.
 */
export function nearestSql(
  target: Target,
  metric: Metric,
  filter: Filter | null = null,
  mode: ScanMode = 'planned',
  read: ReadSettings = {},
): string {
  return nearestStatements(target, metric, filter, mode, read)[0];
}

/** That, and what is asked where it gives fewer rows than are wanted. */
function nearestStatements(
  target: Target,
  metric: Metric,
  filter: Filter | null,
  mode: ScanMode,
  read: ReadSettings,
): [string, ...string[]] {
  const at = filter?.values.length ?? 0;
  const vector = `$${at + 1}::${target.vectorPrefix}vector`;
  const k = `$${at + 2}`;
  if (target.hasPassages) {
    const key = [{ sql: keyTextSql(target, legacyKey(target)), name: 'key' }];
    const search = { target, metric, key, filter: filterSql(filter), vector, k };
    return mode === 'exact' || mode === 'unindexed'
      ? [allPassagesSql(search)]
      : nearestPassagesSql(search, isOrdered(target, read));
  }
  const distance = storedDistance(target, metric, vector);
  // Exact search goes by the stored vectors, whatever the index made of them.
  const order = {
    planned: indexedDistance,
    index: indexedDistance,
    exact: storedDistance,
    unindexed: unindexedDistance,
  }[mode](target, metric, vector);
  const byCandidates = isReranked(target) && (mode === 'planned' || mode === 'index');
  // Rows without a vector are in no index, but a sequential scan would bring them as hits of no distance.
  const scan = `SELECT ${keyTextSql(target, legacyKey(target))} AS key, (${distance})::float8 AS distance
    FROM ${vectorRows(target, 'each')} WHERE ${target.where}${filterSql(filter)} AND ${vectorColumn(target)} IS NOT NULL ORDER BY ${order} LIMIT ${byCandidates ? candidatesSql(target, k) : k}`;
  return [byCandidates ? rerankedSql(scan, ['key', 'distance'], k) : scan];
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

/** Whether an index scan gives vectors by their distance, and not about so. */
export const isOrdered = ({ indexed }: Target, read: ReadSettings): boolean =>
  ({ ...ITERATIVE, ...read })[`${indexed.method}.iterative_scan`] !== 'relaxed_order';

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

interface FoundRow extends Omit<Neighbour, 'passage'> {
  passage?: number;
  passage_start?: number;
  passage_end?: number;
}

function neighbourOf({ passage, passage_start, passage_end, ...row }: FoundRow): Neighbour {
  const [start, end] = [passage_start ?? 0, passage_end ?? 0];
  return passage === undefined ? row : { ...row, passage: { number: passage, start, end } };
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
  const [sql, ...more] = nearestStatements(target, metric, filter, mode, options.read ?? {});
  const work = async (client: Queryable): Promise<TimedNeighbours[]> => {
    const answers: TimedNeighbours[] = [];
    for (const vector of vectors) {
      const started = performance.now();
      const values = nearestValues(filter, vector, k);
      let found = await client.query<FoundRow>(sql, values);
      for (const wider of found.rows.length < k ? more : []) found = await client.query(wider, values);
      const neighbours = found.rows.map(neighbourOf);
      // The passages of an index of halfvec come by distances that are a little different.
      if (target.hasPassages) neighbours.sort((a, b) => a.distance - b.distance);
      answers.push({ neighbours, milliseconds: performance.now() - started });
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
