/** Rows with several vectors: k distinct rows, each by its best passage, whatever is asked of them, in a scan that ends early. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { TABLE_LIMITS } from '../../src/db/transaction.ts';
import { withPassageTexts } from '../../src/search/queries/passage-texts.ts';
import { fuseHits, vectorHits } from '../../src/search/read-modes.ts';
import { chooseFilter } from '../../src/search/queries/filter.ts';
import { nearestRows } from '../../src/search/queries/nearest-rows.ts';
import {
  nearest,
  nearestSql,
  nearestValues,
  withScan,
  type Neighbour,
} from '../../src/search/queries/vector-query.ts';
import { checkResultCount } from '../../src/verify/checks/result-count.ts';
import { measureFilteredRows } from '../../src/verify/measures/filtered-rows.ts';
import { explainSearch } from '../../src/verify/measures/plan.ts';
import { measureRecall } from '../../src/verify/measures/recall.ts';
import { EQUAL_FUSION } from '../../src/ledger/reads/fusion.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { hasPostgres } from '../setup/databases.ts';
import { byIndex, openPassageTable, queriesOf, type PassageTable } from './passage-table.ts';

const ROWS = 10_000;
/** Of one row: more than an index scan looks for at a time. */
const MANY = 300;

const keys = (found: readonly Neighbour[]): string[] => found.map(({ key }) => key);
const shared = (found: readonly Neighbour[], exact: readonly Neighbour[]): number =>
  keys(found).filter((key) => keys(exact).includes(key)).length;

describe.runIf(hasPostgres())('a search over passages', () => {
  let table: PassageTable;
  let queries: string[];
  beforeAll(async () => {
    table = await openPassageTable({
      rows: ROWS,
      dimensions: 16,
      passages: `CASE WHEN d.id = 5000 THEN ${MANY} ELSE 1 + d.id % 2 END`,
    });
    queries = await queriesOf(table, 10);
  }, 60_000);
  afterAll(() => table.drop());

  const rows = async (vector: string, k: number, share?: number): Promise<Neighbour[]> => {
    const { pool, target, settings } = table;
    const filter = chooseFilter(
      settings.search.filters,
      share === undefined ? undefined : { name: 'share', values: [share] },
    );
    return (await nearestRows(pool, target, settings.metric, vector, k, { filter })).neighbours;
  };

  it('gives k distinct rows by rising distance, each with its nearest passage and its place', async () => {
    let [found, nearest] = [0, 0];
    for (const vector of queries) {
      const near = await rows(vector, 10);
      expect(new Set(keys(near)).size).toBe(10);
      const distances = near.map(({ distance }) => distance);
      expect(distances).toEqual(distances.toSorted((a, b) => a - b));
      const stored = await table.pool.query<{ key: string; number: number; distance: number; best: number }>(
        `SELECT id::text AS key, chunk AS number, embedding <=> $1::vector AS distance, min(embedding <=> $1::vector) OVER (PARTITION BY id) AS best
           FROM docs_embedding WHERE id = ANY ($2::bigint[])`,
        [vector, keys(near)],
      );
      for (const { key, distance, passage } of near) {
        const own = stored.rows.find((row) => row.key === key && row.number === passage?.number);
        expect(own?.distance).toBe(distance);
        expect(passage).toMatchObject({ start: 10 * (own?.number ?? 0), end: 10 * (own?.number ?? 0) + 10 });
        if (own?.distance === own?.best) nearest++;
      }
      found += shared(near, await table.exact(vector, 10));
    }
    const all = 10 * queries.length;
    expect(found).toBeGreaterThanOrEqual(0.85 * all);
    expect(nearest).toBeGreaterThanOrEqual(0.95 * all);
  });

  it.each([100, 1000, 10_000])('gives all rows of a filter that keeps one of %i, up to k', async (share) => {
    for (const vector of queries.slice(0, 3)) {
      const exact = await table.exact(vector, 10, `d.id % ${share} = 7`);
      const found = await rows(vector, 10, share);
      expect(found).toHaveLength(Math.min(10, ROWS / share));
      expect(shared(found, exact)).toBeGreaterThanOrEqual(0.8 * exact.length);
    }
  });

  it('gives nothing where a filter keeps nothing, and every row where k is more than there are', async () => {
    const [vector = ''] = queries;
    const none = { name: 'share', where: 'docs.id < $1', values: [0] };
    const { pool, target, settings } = table;
    const { neighbours } = await nearestRows(pool, target, settings.metric, vector, 10, { filter: none });
    expect(neighbours).toEqual([]);
    expect(await rows(vector, 200, 100)).toHaveLength(100);
    expect(await rows(vector, 1000, 50)).toHaveLength(200);
  });

  it('goes on where all that is nearest is one row, and stops where it has k', async () => {
    const own = await table.pool.query<{ vector: string }>(
      `SELECT avg(embedding)::text AS vector FROM docs_embedding WHERE id = 5000`,
    );
    const vector = own.rows[0]?.vector ?? '';
    const found = await byIndex(table, vector, 10);
    expect(found[0]?.key).toBe('5000');
    expect(new Set(keys(found)).size).toBe(10);
    expect(shared(found, await table.exact(vector, 10))).toBeGreaterThanOrEqual(9);
    const { pool, target, settings } = table;
    const read = { 'hnsw.ef_search': '40' };
    const scanned = await withScan(
      pool,
      target,
      'planned',
      async (client) => {
        const explained = await client.query<{ 'QUERY PLAN': string }>(
          `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${nearestSql(target, settings.metric)}`,
          nearestValues(null, queries[0] ?? '', 10),
        );
        return explained.rows.map((row) => row['QUERY PLAN']).join('\n');
      },
      { read },
    );
    const [, passages] = /Index Scan using docs_embedding_hnsw_idx .*rows=([\d.]+)/.exec(scanned) ?? [];
    expect(Number(passages)).toBeGreaterThanOrEqual(10);
    expect(Number(passages)).toBeLessThan(60);
  });

  it('has the recall of exact grouping by row', async () => {
    const { pool, target, settings } = table;
    const measured = await measureRecall(pool, target, settings, ROWS, { 'hnsw.ef_search': '100' });
    expect(measured.queries).toBe(20);
    expect(measured.recall).toBeGreaterThan(0.95);
    const [vector = ''] = queries;
    for (const mode of ['exact', 'unindexed'] as const) {
      const { neighbours } = await nearest(pool, target, settings.metric, vector, 20, mode);
      expect(keys(neighbours)).toEqual(keys(await table.exact(vector, 20)));
    }
  });

  it('is proved by its plan, by the rows of filters and by answers over what is no row', async () => {
    const vectors = queries.slice(0, 3);
    const [vector = ''] = vectors;
    expect(await explainSearch(table, vector)).toMatchObject({
      usesIndex: true,
      node: 'Index Scan using docs_embedding_hnsw_idx',
      rows: 10,
    });
    for (const share of [100, 1000, 10_000]) {
      const filter = { name: 'share', where: 'docs.id % $1 = 7', values: [share] };
      expect(await explainSearch(table, vector, filter)).toMatchObject({ usesIndex: true, filter: 'share' });
      const wanted = Math.min(10, ROWS / share);
      const measured = await measureFilteredRows(table, filter, vectors);
      expect(measured).toMatchObject({ matching: ROWS / share, fewest: wanted, wanted });
    }
    expect(await checkResultCount(table, vectors, ROWS)).toMatchObject({ passed: true, value: 10 });
  });

  it('is answered by the SQL function alike, for any k', async () => {
    const { pool, target, settings } = table;
    const made = await planSearchFunction(pool, target, settings.metric, await settingsOfReads(pool, target));
    for (const sql of made.statements) await pool.query(sql);
    for (const [vector, k] of [
      [queries[0], 10],
      [queries[1], 50],
      [queries[2], 11_000],
    ] as const) {
      const answer = await pool.query(
        `SELECT key::text, distance, passage, passage_start, passage_end FROM ${made.name}($1, $2)`,
        [vector, k],
      );
      expect(answer.rows).toHaveLength(Math.min(k, ROWS));
      if (k > 1000) continue;
      const near = await rows(vector ?? '', k);
      expect(answer.rows).toEqual(
        near.map(({ key, distance, passage }) => ({
          key,
          distance,
          passage: passage?.number,
          passage_start: passage?.start,
          passage_end: passage?.end,
        })),
      );
    }
  });

  it('leaves columns, grants and views of a function that was there before, whichever generation answers', async () => {
    const { pool, target, settings } = table;
    const rowsAlone = { ...target, hasPassages: false };
    const make = async (of: Target): Promise<string[]> => {
      const { statements } = await planSearchFunction(pool, of, settings.metric, { 'hnsw.ef_search': '60' });
      for (const sql of statements) await pool.query(sql);
      expect(await planSearchFunction(pool, of, settings.metric, { 'hnsw.ef_search': '60' })).toMatchObject({
        statements: [],
      });
      const [vector] = queries;
      const answer = await pool.query('SELECT * FROM search_docs($1, 10)', [vector]);
      expect(answer.rows).toHaveLength(10);
      return answer.fields.map(({ name }) => name);
    };
    await pool.query('DROP FUNCTION search_docs(vector, integer)');
    const plain = ['key', 'distance'];
    const all = [...plain, 'passage', 'passage_start', 'passage_end'];
    expect(await make(rowsAlone)).toEqual(plain);
    await pool.query(
      `CREATE VIEW nearest_docs AS SELECT s.key FROM (SELECT embedding FROM docs_embedding LIMIT 1) e, search_docs(e.embedding) s`,
    );
    expect(await make(target)).toEqual(plain);
    await pool.query('DROP VIEW nearest_docs');
    expect(await make(target)).toEqual(all);
    expect(await make(rowsAlone)).toEqual(all);
  });

  it('brings the text of a passage where it is asked for', async () => {
    const { pool, target, settings } = table;
    const near = await rows(queries[4] ?? '', 5);
    const read = await withPassageTexts(pool, target, near, TABLE_LIMITS);
    const stored = await pool.query<{ key: string; body: string }>(
      `SELECT id::text AS key, body FROM docs WHERE id = ANY ($1::bigint[])`,
      [keys(near)],
    );
    for (const { key, passage } of read) {
      const body = stored.rows.find((row) => row.key === key)?.body;
      expect(passage?.text).toBe(body?.slice(passage?.start, passage?.end));
      expect(passage?.text).toHaveLength(10);
    }
    const gone = [{ key: '99999', passage: { number: 0, start: 0, end: 1 } }];
    expect(await withPassageTexts(pool, target, gone, TABLE_LIMITS)).toEqual(gone);
    // A row that cannot be read takes nothing from the others' answer.
    const failing = { ...target, text: '(1 / (docs.id - docs.id))::text' };
    expect(await withPassageTexts(pool, failing, near, TABLE_LIMITS)).toEqual(near);
    const hits = await vectorHits(
      { pool, target, settings, read: {}, text: '', k: 5, filter: null, timeoutMs: 10_000 },
      queries[4] ?? '',
    );
    expect(hits.map(({ key, passage }) => ({ key, passage }))).toEqual(
      near.map(({ key, passage }) => ({ key, passage })),
    );
    expect(fuseHits(near, [keys(near)[1] ?? '', 'by words alone'], 3, EQUAL_FUSION)).toEqual([
      expect.objectContaining({ key: keys(near)[1], passage: near[1]?.passage }),
      expect.objectContaining({ key: keys(near)[0], passage: near[0]?.passage }),
      expect.not.objectContaining({ passage: expect.anything() }),
    ]);
  });

  it('never gives a row that was deleted a moment ago, nor one that has left the eligible ones', async () => {
    const [, , , vector = ''] = queries;
    const before = keys(await rows(vector, 10));
    await table.pool.query(`DELETE FROM docs WHERE id = ANY ($1::bigint[])`, [before.slice(0, 5)]);
    const after = keys(await rows(vector, 10));
    expect(after).toHaveLength(10);
    expect(after.filter((key) => before.slice(0, 5).includes(key))).toEqual([]);
    expect(after.slice(0, 5)).toEqual(before.slice(5));
    const { pool, target, settings } = table;
    const narrow = { ...target, where: `(docs.id <> ${after[0]})` };
    const left = await nearestRows(pool, narrow, settings.metric, vector, 10);
    expect(keys(left.neighbours)).not.toContain(after[0]);
  });
});

const KINDS: [string, Record<string, string>, Record<string, string>][] = [
  ['HNSW of halfvec', { 'index-type': 'halfvec' }, {}],
  ['HNSW in relaxed order', {}, { 'hnsw.iterative_scan': 'relaxed_order' }],
  ['HNSW without iterative scans', {}, { 'hnsw.iterative_scan': 'off' }],
  ['HNSW of bits', { 'index-type': 'bit' }, {}],
  ['IVFFlat', { 'index-method': 'ivfflat', 'index-lists': '20' }, { 'ivfflat.probes': '8' }],
];

describe.runIf(hasPostgres())('a search over passages by another index', () => {
  let table: PassageTable;
  let queries: string[];
  beforeAll(async () => {
    table = await openPassageTable({
      rows: 1500,
      dimensions: 64,
      passages: `CASE WHEN d.id = 500 THEN ${MANY} ELSE 1 + d.id % 3 END`,
    });
    const own = await table.pool.query<{ vector: string }>(
      `SELECT avg(embedding)::text AS vector FROM docs_embedding WHERE id = 500`,
    );
    queries = [...(await queriesOf(table, 5)), own.rows[0]?.vector ?? ''];
  }, 60_000);
  afterAll(() => table.drop());

  it.each(KINDS)('%s: as many rows as by every passage, and the same', async (_, flags, read) => {
    const context = await table.indexed(flags);
    const { pool, target, settings } = context;
    const plan = await withScan(
      pool,
      target,
      'planned',
      (client) =>
        client.query<{ 'QUERY PLAN': string }>(
          `EXPLAIN ${nearestSql(target, settings.metric, null, 'planned', read)}`,
          nearestValues(null, queries[0] ?? '', 10),
        ),
      { read },
    );
    expect(plan.rows.map((row) => row['QUERY PLAN']).join('\n')).toContain(`using ${target.indexName}`);
    let found = 0;
    for (const vector of queries)
      for (const k of [10, 100]) {
        const near = (await nearestRows(pool, target, settings.metric, vector, k, { read })).neighbours;
        expect(new Set(keys(near)).size).toBe(k);
        const distances = near.map(({ distance }) => distance);
        expect(distances).toEqual(distances.toSorted((a, b) => a - b));
        found += shared(near, await table.exact(vector, k)) / k;
      }
    expect(found / (2 * queries.length)).toBeGreaterThan(0.8);
    expect(await nearestRows(pool, target, settings.metric, queries[0] ?? '', 1600, { read })).toMatchObject({
      neighbours: { length: 1500 },
    });
  });
});
