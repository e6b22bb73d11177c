/** What an answer of the index lacks, found on a sample of the table: rows that are nearer than its last one. */

import { withScan, type Neighbour } from '../search/queries/vector-query.ts';
import { storedDistance } from '../table/distance.ts';
import { keyTextSql, legacyKey } from '../table/key.ts';
import { sampledPagesSql } from '../table/sample-rows.ts';
import { vectorColumn, vectorRows } from '../table/stored-vectors.ts';
import type { SearchContext } from '../verify/measures/systems.ts';
import type { Budget } from './budget.ts';

/** More than that of one query say no more. */
const MAX_NEARER = 200;

export interface Sample {
  /** Of the pages of the legacy table, 0 to 1; below 1. */
  share: number;
  seed: number;
}

/** Each row once, by its nearest vector; whether they are among the answer or not. @param distance of its last row */
export async function nearerRows(
  { pool, target, settings }: SearchContext,
  vector: string,
  distance: number,
  sample: Sample,
  { limits }: Budget,
): Promise<Neighbour[]> {
  const found = `(${storedDistance(target, settings.metric, `$2::${target.vectorPrefix}vector`)})::pg_catalog.float8`;
  const rows = vectorRows(target, 'each', sampledPagesSql(sample.seed));
  const sql = `SELECT ${keyTextSql(target, legacyKey(target))} AS key, ${found} AS distance
    FROM ${rows} WHERE ${target.where} AND ${vectorColumn(target)} IS NOT NULL AND ${found} OPERATOR(pg_catalog.<) $3::pg_catalog.float8 LIMIT ${MAX_NEARER}`;
  const nearer = await withScan(
    pool,
    target,
    'unindexed',
    async (client) => (await client.query<Neighbour>(sql, [100 * sample.share, vector, distance])).rows,
    { limits },
  );
  const nearest = new Map<string, number>();
  for (const { key, distance: of } of nearer) nearest.set(key, Math.min(of, nearest.get(key) ?? Infinity));
  return [...nearest].map(([key, of]) => ({ key, distance: of }));
}
