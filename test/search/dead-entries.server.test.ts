/** Rows deleted and not yet vacuumed: their entries are the index's nearest ones, and an answer must have k rows all the same. */

import { afterEach, describe, expect, it } from 'vitest';
import { planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { createSearch } from '../../src/search/create-search.ts';
import type { Search } from '../../src/search/search-interface.ts';
import { compareSearches } from '../../src/search/compare.ts';
import { saveReadSettings, type ReadSettings } from '../../src/ledger/reads/read-settings.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';
import { openServedTable, wordEmbedder, type ServedTable } from './served-table.ts';

let table: ServedTable;
let search: Search | null = null;
afterEach(async () => {
  await search?.close();
  await table.close();
});

/** Rows all around the axis of bread, gone since; the statistics are of before. */
async function openWithDeadRows(of: Parameters<typeof openServedTable>[0]): Promise<void> {
  table = await openServedTable(of);
  const { pool } = table;
  await pool.query('ALTER TABLE things SET (autovacuum_enabled = off)');
  await pool.query('DROP INDEX things_embedding_hnsw_idx');
  await pool.query(
    `INSERT INTO things SELECT n, 'bread', 'de', format('[1,%s,%s]', n % 71 / 1e4, n % 83 / 1e4)::vector FROM generate_series(1001, 3000) n`,
  );
  await pool.query(
    'CREATE INDEX things_embedding_hnsw_idx ON things USING hnsw (embedding vector_cosine_ops)',
  );
  await pool.query('ANALYZE things');
  await pool.query('DELETE FROM things WHERE id > 1000');
  await table.set({ mode: 'vector', percent: null });
}
const found = async (options = {}): Promise<number> =>
  (await (search as Search).search('bread', { k: 10, ...options })).hits.length;

describe.each(databases())('answers over dead entries on $name', ({ create }) => {
  it.each<[string, ReadSettings]>([
    ['by an iterative scan', {}],
    ['by the table, where hnsw.max_scan_tuples ends the scan', { 'hnsw.max_scan_tuples': '1' }],
    ['by the table, where there are no iterative scans', { 'hnsw.iterative_scan': 'off' }],
  ])('have k rows, %s', async (_, read) => {
    await openWithDeadRows(await create());
    const { pool } = table;
    await saveReadSettings(pool, 'things', read);
    search = createSearch({ pool, backfill: 'things', embedder: wordEmbedder() });
    expect(await found()).toBe(10);
    expect(await found({ filter: 'language' })).toBe(10);
    expect(await found({ k: 30 })).toBe(30);
    for (const mode of ['canary', 'hybrid'] as const) {
      await table.set({ mode, percent: mode === 'canary' ? 100 : null });
      await search.close();
      search = createSearch({ pool, backfill: 'things', embedder: wordEmbedder() });
      expect(await found()).toBe(10);
    }

    const settings = await makeSettings({ table: 'things', text: 'body' });
    const target = await describeTarget(pool, 'things', settings);
    const compared = await compareSearches({ pool, target, settings, embedder: wordEmbedder() }, 'bread', 10);
    expect(compared.vector.length).toBe(10);

    const reads = await settingsOfReads(pool, target);
    for (const sql of (await planSearchFunction(pool, target, 'cosine', reads)).statements)
      await pool.query(sql);
    const rows = await pool.query<{ key: string; distance: number }>(
      `SELECT key, distance FROM search_things('[1,0,0]', 12)`,
    );
    expect(rows.rows.map(({ key }) => Number(key) % 3)).toEqual([
      ...Array<number>(10).fill(2),
      expect.any(Number),
      expect.any(Number),
    ]);
    const distances = rows.rows.map(({ distance }) => distance);
    expect(distances).toEqual(distances.toSorted((a, b) => a - b));
  });
});
