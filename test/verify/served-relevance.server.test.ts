/** nDCG@10 is that of the answers that an application gets, not of a wider search for the first hundred. */

import { afterEach, describe, expect, it } from 'vitest';
import { NDCG_K, ndcg } from '../../src/relevance/metrics.ts';
import { measureRelevance, type SystemScore } from '../../src/verify/measures/relevance.ts';
import { sampleRows } from '../../src/verify/queries/sampled-rows.ts';
import { databases, INDEX, openVectorTable, type VectorTable } from './vector-table.ts';

const ROWS = 2000;
const QUERIES = 30;

let table: VectorTable;
afterEach(() => table.close());

describe.each(databases())('measured relevance on $name', ({ create }) => {
  it('is of the hits as served, with the settings of reads', async () => {
    // A poor graph, so that a narrow search finds less than a wide one.
    const index = `CREATE INDEX ${INDEX} ON things USING hnsw (embedding vector_cosine_ops) WITH (m = 4, ef_construction = 8)`;
    table = await openVectorTable(await create(), ROWS, index);
    const { pool } = table;
    const read = { 'hnsw.ef_search': '10' };
    const context = { ...(await table.context()), read };
    const rows = await sampleRows(pool, context.target, ROWS, QUERIES);
    const ask = async (settings: string, vector: string, limit: number): Promise<string[]> => {
      const client = await pool.connect();
      try {
        await client.query(`BEGIN; ${settings}`);
        const found = await client.query<{ key: string }>(
          'SELECT id::text AS key FROM things ORDER BY embedding <=> $1 LIMIT $2',
          [vector, limit],
        );
        return found.rows.map(({ key }) => key);
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
    };
    const judgements = new Map<string, Map<string, number>>();
    let [served, wide] = [0, 0];
    for (const { key, vector } of rows) {
      const exact = await ask('SET LOCAL enable_indexscan = off', vector, NDCG_K);
      const grades = new Map(exact.map((each) => [each, 1]));
      judgements.set(key, grades);
      served += ndcg(await ask('SET LOCAL hnsw.ef_search = 10', vector, NDCG_K), grades) / QUERIES;
      wide += ndcg(await ask('SET LOCAL hnsw.ef_search = 100', vector, 100), grades) / QUERIES;
    }
    expect(wide - served).toBeGreaterThan(0.05);

    const queries = rows.map(({ key, vector }) => ({
      id: key,
      text: `thing ${key}`,
      vector,
      embeddingMs: 0,
    }));
    const { systems } = await measureRelevance(context, { queries, judgements }, queries);
    const score = (name: SystemScore['name']) => systems.find((system) => system.name === name);
    expect(score('vector')?.ndcg10).toBeCloseTo(served, 9);
    expect(score('vector')?.recall100).toBeGreaterThan(served);
    // The row's own words come first in both lists; neither fuses more than an application's search does.
    expect(score('hybrid')?.ndcg10).toBeLessThan(wide);
  });
});
