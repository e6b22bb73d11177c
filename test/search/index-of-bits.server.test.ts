/** An index of bits: candidates by their bits, compared by their vectors, and as many rows as by any other index. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { forecastBitsRecall } from '../../src/finalize/forecast/bits-recall.ts';
import { createIndexSql, wantedIndex } from '../../src/finalize/index-definition.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { explainSearches } from '../../src/search/explain.ts';
import { nearestRows } from '../../src/search/queries/nearest-rows.ts';
import { nearest, type Neighbour } from '../../src/search/queries/vector-query.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { recommend } from '../../src/verify/measures/recommended-settings.ts';
import { measureCurve } from '../../src/verify/measures/recall-curve.ts';
import { measureRecall } from '../../src/verify/measures/recall.ts';
import { sampleRows } from '../../src/verify/queries/sampled-rows.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder } from '../setup/whole-run.ts';

const ROWS = 3000;
const DIMENSIONS = 256;

describe.runIf(hasPostgres())('a search by an index of bits', () => {
  let database: TestDatabase;
  let pool: Pool;
  let target: Target;
  let settings: Settings;
  let query: string;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    // Around sixty points, as texts of sixty subjects are: of vectors drawn at random none is near another.
    await pool.query(
      `CREATE TABLE docs (id bigint PRIMARY KEY, body text, lang text, embedding vector(${DIMENSIONS}))`,
    );
    await pool.query(
      `WITH drawn AS MATERIALIZED (
         SELECT n, (SELECT array_agg(random() - 0.5 + 0 * (i + n)) FROM generate_series(1, ${DIMENSIONS}) i)::vector AS e FROM generate_series(1, 110) n)
       INSERT INTO docs SELECT row_number() OVER (), 'text', CASE WHEN (a.n + b.n) % 50 = 0 THEN 'de' ELSE 'en' END, a.e + b.e
         FROM drawn a, drawn b WHERE a.n <= 60 AND b.n > 60 ORDER BY a.n, b.n LIMIT $1`,
      [ROWS],
    );
    await pool.query('ALTER TABLE docs SET (autovacuum_enabled = off)');
    const env = {
      DATABASE_URL: database.databaseUrl,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_WHERE: 'id > 100',
      BACKFILL_METRIC: 'l2',
      BACKFILL_INDEX_TYPE: 'bit',
      // Each row is led to: with fewer candidates for its links, in some graphs one is not.
      BACKFILL_INDEX_EF_CONSTRUCTION: '200',
      BACKFILL_VERIFY_SAMPLES: '20',
      BACKFILL_SEARCH_FILTERS: '[{"name":"language","where":"lang = $1","values":["de"]}]',
    };
    ({ settings } = await loadConfig({ flags: {}, env, cwd: '/' }));
    target = await describeTarget(pool, 'docs', settings);
    await pool.query(createIndexSql(target, wantedIndex(target, settings, ROWS)));
    await pool.query('ANALYZE docs');
    await pool.query('DELETE FROM docs WHERE id % 3 = 0');
    query = (await sampleRows(pool, target, ROWS, 1))[0]?.vector ?? '';
  }, 60_000);
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const keys = (found: { neighbours: Neighbour[] }): string[] => found.neighbours.map(({ key }) => key);

  it.each([10, 60, 400, 1500])(
    'gives %i rows in the order of their vectors, none of them deleted',
    async (k) => {
      const exact = await nearest(pool, target, 'l2', query, k, 'exact');
      const found = await nearestRows(pool, target, 'l2', query, k);
      const distances = found.neighbours.map(({ distance }) => distance);
      expect(distances).toEqual(distances.toSorted((a, b) => a - b));
      expect(distances).toHaveLength(k);
      const shared = keys(found).filter((key) => keys(exact).includes(key)).length;
      expect(shared).toBeGreaterThanOrEqual(0.9 * k);
    },
  );

  it('gives all rows of a filter that keeps few, and is the index that the planner takes', async () => {
    const [language] = settings.search.filters;
    const matching = await pool.query(`SELECT FROM docs WHERE lang = 'de' AND id > 100`);
    const many = await nearestRows(pool, target, 'l2', query, 1000, { filter: language ?? null });
    expect(many.neighbours).toHaveLength(matching.rowCount ?? 0);
    const few = await nearestRows(pool, target, 'l2', query, 10, { filter: language ?? null });
    const exact = await nearest(pool, target, 'l2', query, 10, 'exact', { filter: language ?? null });
    expect(keys(few)).toEqual(keys(exact));
    const embedder = hashEmbedder(DIMENSIONS);
    const { vector } = await explainSearches({ pool, target, settings, embedder }, 'text', 10, null);
    expect(vector.plan).toContain('Index Scan using docs_embedding_hnsw_idx');
  });

  it('is forecast to find what it finds', async () => {
    const recallOf = async (candidates: number): Promise<number> => {
      const of = { ...target, candidates };
      return (
        (await forecastBitsRecall({ pool, target: of, metric: 'l2', dimensions: DIMENSIONS, rows: ROWS })) ??
        0
      );
    };
    expect(await recallOf(200)).toBeGreaterThan(0.97);
    const measured = await measureRecall(
      pool,
      { ...target, where: '(true)', candidates: 50 },
      settings,
      ROWS,
      {},
    );
    expect(Math.abs((await recallOf(50)) - (measured.recall ?? 0))).toBeLessThan(0.1);
    // Of three times as many rows the sample is a part.
    const many = {
      pool,
      target: { ...target, candidates: 50 },
      metric: 'l2' as const,
      dimensions: DIMENSIONS,
    };
    const more = (await forecastBitsRecall({ ...many, rows: 3 * ROWS })) ?? 0;
    expect(more).toBeLessThan(await recallOf(50));
    expect(more).toBeGreaterThan(0);
    const gone = { ...target, store: { ...target.store, table: 'nowhere' } };
    expect(await forecastBitsRecall({ ...many, target: gone, rows: ROWS })).toBeNull();
  });

  it('has the recall of its candidates, of which the gate finds how many are enough', async () => {
    const few = { ...target, where: '(true)', candidates: 10 };
    const recallOf = async (of: Target): Promise<number> =>
      (await measureRecall(pool, of, settings, ROWS, {})).recall ?? 0;
    const [low, high] = [await recallOf(few), await recallOf(target)];
    expect(high).toBeGreaterThan(0.95);
    expect(low).toBeLessThan(high);
    const rows = await sampleRows(pool, target, ROWS, 20);
    const queries = { rows: rows.map(({ key, vector }) => ({ vector, own: key })), queries: [] };
    const context = {
      pool,
      target: few,
      settings: { ...settings, search: { ...settings.search, filters: [] } },
      read: {},
    };
    const curve = await measureCurve(context, queries, null, () => {});
    const points = curve.series.at(-1)?.points ?? [];
    expect(points.map(({ value }) => value)).toEqual([10, 15, 20, 30, 40, 50, 1000]);
    expect(points.at(-1)?.recall).toBe(1);
    expect(recommend(curve, 0.9)?.settings['hnsw.ef_search']).toMatch(/^\d+$/);
  });

  it('by the SQL function gives the same rows, for any k', async () => {
    const read = await settingsOfReads(pool, target);
    expect(read['hnsw.ef_search']).toBe('200');
    const made = await planSearchFunction(pool, target, 'l2', read);
    for (const sql of made.statements) await pool.query(sql);
    for (const k of [10, 400, 1500]) {
      const answer = await pool.query<{ key: string }>(`SELECT key::text FROM ${made.name}($1, $2)`, [
        query,
        k,
      ]);
      const exact = keys(await nearest(pool, target, 'l2', query, k, 'exact'));
      expect(answer.rows).toHaveLength(k);
      expect(answer.rows.filter(({ key }) => exact.includes(key)).length).toBeGreaterThanOrEqual(0.9 * k);
    }
  });
});
