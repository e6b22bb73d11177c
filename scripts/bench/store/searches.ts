/** What a search takes by the index of a store, and how many of the nearest rows it finds. */

import { createIndexSql, wantedIndex } from '../../../src/finalize/index-definition.ts';
import { stopIfInterrupted } from '../../../src/db/interruption.ts';
import type { PipelineContext } from '../../../src/pipeline/pipeline-context.ts';
import { nearest, nearestOfEach } from '../../../src/search/queries/vector-query.ts';
import { vectorColumn, vectorRows } from '../../../src/table/stored-vectors.ts';
import { median } from '../ratio.ts';

export interface SearchMeasures {
  buildSeconds: number;
  indexBytes: number;
  p50Ms: number;
  p95Ms: number;
  /** Share of the ten nearest rows that are found. */
  recall: number;
}

const QUERIES = 200;
/** Of them, those that are compared with every row. */
const EXACT = 20;
const K = 10;

export async function measureSearches({ pool, target, settings }: PipelineContext): Promise<SearchMeasures> {
  stopIfInterrupted();
  await pool.query(`VACUUM ANALYZE ${target.store.table}`);
  await pool.query(`VACUUM ANALYZE ${target.table}`);
  const started = performance.now();
  await pool.query(createIndexSql(target, wantedIndex(target, settings, 1)));
  const buildSeconds = (performance.now() - started) / 1000;
  const size = await pool.query<{ bytes: number }>(
    'SELECT pg_relation_size(to_regclass($1))::float8 AS bytes',
    [`"${target.store.schema}"."${target.indexName}"`],
  );
  const drawn = await pool.query<{ vector: string }>(
    `SELECT ${vectorColumn(target)}::text AS vector FROM ${vectorRows(target, 'first')} WHERE ${vectorColumn(target)} IS NOT NULL ORDER BY md5(${target.ref}.id::text) LIMIT $1`,
    [2 * QUERIES],
  );
  // Between two rows: a row itself is the nearest to itself.
  const rows = drawn.rows.map(({ vector }) => JSON.parse(vector) as number[]);
  const queries = rows
    .slice(0, QUERIES)
    .map((row, at) => JSON.stringify(row.map((value, place) => value + (rows[at + 1]?.[place] ?? 0) / 4)));
  const { metric } = settings;
  // The pages are in the server's memory then.
  await nearestOfEach(pool, target, metric, queries, K, 'planned');
  const found = await nearestOfEach(pool, target, metric, queries, K, 'planned');
  const times = found.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  let hits = 0;
  for (const [at, query] of queries.slice(0, EXACT).entries()) {
    const exact = await nearest(pool, target, metric, query, K, 'exact');
    const own = new Set(found[at]?.neighbours.map(({ key }) => key));
    hits += exact.neighbours.filter(({ key }) => own.has(key)).length;
  }
  return {
    buildSeconds,
    indexBytes: size.rows[0]?.bytes ?? 0,
    p50Ms: median(times),
    p95Ms: times[Math.floor(0.95 * times.length)] ?? 0,
    recall: hits / (EXACT * K),
  };
}
