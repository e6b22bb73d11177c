/** What a search takes by the index of a store, and how many of the nearest rows it finds. */

import { createIndexSql, wantedIndex } from '../../../src/finalize/index-definition.ts';
import { quoteQualified } from '../../../src/db/identifiers.ts';
import { stopIfInterrupted } from '../../../src/db/interruption.ts';
import type { ReadSettings } from '../../../src/ledger/reads/read-settings.ts';
import type { PipelineContext } from '../../../src/pipeline/pipeline-context.ts';
import { nearestOfEach } from '../../../src/search/queries/vector-query.ts';
import { vectorColumn, vectorRows } from '../../../src/table/stored-vectors.ts';
import { median } from '../ratio.ts';

export interface SearchMeasures {
  buildSeconds: number;
  indexBytes: number;
  /** Per round. */
  p50Ms: number[];
  p95Ms: number[];
  /** Share of the ten nearest rows that are found. */
  recall: number;
}

const QUERIES = 200;
/** Of them, those that are compared with every row. */
export const EXACT = 40;
const ROUNDS = 5;
export const K = 10;

export async function measureSearches<Name extends string>(
  contexts: Record<Name, PipelineContext>,
): Promise<Record<Name, SearchMeasures>> {
  const names = Object.keys(contexts) as Name[];
  const measures = {} as Record<Name, SearchMeasures>;
  const queries = await queriesOf(contexts[names[0] as Name]);
  for (const name of names) measures[name] = await indexed(contexts[name]);
  const asked = names.map((name) => ({ context: contexts[name], read: {}, times: measures[name] }));
  await askInTurns(asked, queries);
  for (const each of asked) each.times.recall = await recallOf(each, queries.slice(0, EXACT));
  return measures;
}

export interface Asked {
  context: PipelineContext;
  read: ReadSettings;
  times: Pick<SearchMeasures, 'p50Ms' | 'p95Ms'>;
}

/** The same queries in turns: what else the machine does meets all of them. */
export async function askInTurns(asked: readonly Asked[], queries: readonly string[]): Promise<void> {
  for (let round = 0; round <= ROUNDS; round++)
    for (const { context, read, times: measures } of asked) {
      stopIfInterrupted();
      const { pool, target, settings } = context;
      const found = await nearestOfEach(pool, target, settings.metric, queries, K, 'planned', { read });
      const times = found.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
      // The first time for the pages to come into the server's memory.
      if (round === 0) continue;
      measures.p50Ms.push(median(times));
      measures.p95Ms.push(times[Math.floor(0.95 * times.length)] ?? 0);
    }
}

async function indexed({ pool, target, settings }: PipelineContext): Promise<SearchMeasures> {
  for (const table of new Set([target.store.table, target.table]))
    await pool.query(`VACUUM ANALYZE ${table}`);
  const started = performance.now();
  await pool.query(createIndexSql(target, wantedIndex(target, settings, 1)));
  const buildSeconds = (performance.now() - started) / 1000;
  const name = quoteQualified({ schema: target.store.schema, name: target.indexName });
  const size = await pool.query<{ bytes: number }>(
    'SELECT pg_relation_size(to_regclass($1))::float8 AS bytes',
    [name],
  );
  return { buildSeconds, indexBytes: size.rows[0]?.bytes ?? 0, p50Ms: [], p95Ms: [], recall: 0 };
}

/** Between two rows each: a row itself is the nearest to itself. */
export async function queriesOf({ pool, target }: PipelineContext): Promise<string[]> {
  const drawn = await pool.query<{ vector: string }>(
    `SELECT ${vectorColumn(target)}::text AS vector FROM ${vectorRows(target, 'first')} WHERE ${vectorColumn(target)} IS NOT NULL ORDER BY md5(${target.ref}.id::text) LIMIT $1`,
    [QUERIES + 1],
  );
  const rows = drawn.rows.map(({ vector }) => JSON.parse(vector) as number[]);
  return rows
    .slice(0, QUERIES)
    .map((row, at) => JSON.stringify(row.map((value, place) => value + (rows[at + 1]?.[place] ?? 0) / 4)));
}

export async function recallOf(
  { context, read }: Pick<Asked, 'context' | 'read'>,
  queries: readonly string[],
): Promise<number> {
  const { pool, target, settings } = context;
  const { metric } = settings;
  const found = await nearestOfEach(pool, target, metric, queries, K, 'planned', { read });
  const exact = await nearestOfEach(pool, target, metric, queries, K, 'exact');
  const hits = exact.map(({ neighbours }, at) => {
    const own = new Set(found[at]?.neighbours.map(({ key }) => key));
    return neighbours.filter(({ key }) => own.has(key)).length;
  });
  return hits.reduce((sum, each) => sum + each, 0) / (queries.length * K);
}
