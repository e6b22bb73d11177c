/** The library face, by every read mode. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withValues } from '../../src/config/shape.ts';
import { readTimes } from '../../src/ledger/reads/read-times.ts';
import { readSummary } from '../../src/ledger/reads/read-stats.ts';
import { loadFusion, saveFusion } from '../../src/ledger/reads/fusion.ts';
import { loadReadSettings, saveReadSettings } from '../../src/ledger/reads/read-settings.ts';
import { fuse } from '../../src/relevance/rank-fusion.ts';
import type { CreateSearchOptions, Search } from '../../src/search/search-interface.ts';
import { databases } from '../setup/databases.ts';
import { openServedTable, wordEmbedder, type ServedTable } from './served-table.ts';
import { LEGACY_BREAD, ServedSearches, VECTOR_BREAD, keys } from './served-searches.ts';

let table: ServedTable;
const served = new ServedSearches();
const open = (options?: Partial<CreateSearchOptions>): Search => served.open(table, options);
afterEach(() => served.close());

describe.each(databases())('createSearch on $name', ({ create }) => {
  beforeAll(async () => {
    table = await openServedTable(await create());
  });
  afterAll(() => table.close());
  beforeEach(() =>
    table.pool.query(
      'DELETE FROM pgvector_backfill.read_mode; DELETE FROM pgvector_backfill.read_stats; DELETE FROM pgvector_backfill.read_times',
    ),
  );

  it('answers by the mode that the ledger holds', async () => {
    const search = open();
    const next = async (mode: Parameters<ServedTable['set']>[0]): Promise<void> => {
      await table.set(mode);
      served.time += 1000;
    };
    expect(await search.search('bread', { k: 3 })).toEqual({
      mode: 'legacy',
      answeredBy: 'legacy',
      generation: null,
      fallback: null,
      hits: LEGACY_BREAD.map((key, at) => ({ key, rank: at + 1, distance: null, score: null })),
    });
    await next({ mode: 'vector', percent: null });
    const vector = await search.search('bread', { k: 3 });
    expect(vector).toMatchObject({ mode: 'vector', answeredBy: 'vector', generation: 1, fallback: null });
    expect(vector.hits.map(({ key, rank }) => [key, rank])).toEqual(
      VECTOR_BREAD.map((key, at) => [key, at + 1]),
    );
    const allByVector = await keys(search, 'bread', { k: 30 });
    const allByWords = Array.from({ length: 10 }, (_, at) => String(3 * (at + 1)));
    for (const { distance, score } of vector.hits) expect(score).toBeCloseTo(1 - (distance ?? 2), 6);
    await next({ mode: 'hybrid', percent: null });
    const hybrid = await search.search('bread', { k: 4 });
    expect(hybrid).toMatchObject({ mode: 'hybrid', answeredBy: 'hybrid' });
    expect(hybrid.hits.map(({ key }) => key)).toEqual(fuse([allByVector, allByWords], 4));
    expect(hybrid.hits.map(({ rank }) => rank)).toEqual([1, 2, 3, 4]);
    await saveFusion(table.pool, 'things', { words: 3, depth: 5 });
    served.time += 1000;
    expect(await keys(search, 'bread', { k: 4 })).toEqual(
      fuse([allByVector.slice(0, 5), allByWords.slice(0, 5)], 4, [1, 3]),
    );
    await saveReadSettings(table.pool, 'things', { 'hnsw.ef_search': '60' });
    expect(await loadFusion(table.pool, 'things')).toEqual({ words: 3, depth: 5 });
    expect(await loadReadSettings(table.pool, 'things')).toEqual({ 'hnsw.ef_search': '60' });
    await next({ mode: 'canary', percent: 100 });
    expect(await search.search('bread', { k: 3 })).toMatchObject({ mode: 'canary', answeredBy: 'vector' });
    await next({ mode: 'shadow', percent: null });
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    await next({ mode: 'legacy', percent: null });
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    await expect(search.search('bread', { filter: 'none of that name' })).rejects.toMatchObject({
      code: 'FILTER_UNKNOWN',
    });
    await search.close();
    const times = await readTimes(table.pool, 'things');
    const counted = times.map(({ mode, ms, errors }) => [
      mode,
      ms.reduce((sum, each) => sum + each, 0),
      errors,
    ]);
    expect(counted).toEqual([
      ['canary', 1, 0],
      ['hybrid', 2, 0],
      ['legacy', 2, 1],
      ['shadow', 1, 0],
      ['vector', 2, 0],
    ]);
  });

  it('compares beside the answer in shadow, and keeps sums and no text', async () => {
    await table.set({ mode: 'shadow', percent: null });
    const search = open({ shadowConcurrency: 10 });
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    expect(await keys(search, 'guitar')).toHaveLength(3);
    await search.close();
    const { shadow } = await readSummary(table.pool, 'things');
    expect(shadow).toMatchObject({ searches: 2, errors: 0, timeouts: 0, skipped: 0, overlap: 0 });
    expect(shadow.rankCorrelation).toBe(0);
    expect(shadow.legacyMs.p95).toBeGreaterThanOrEqual(shadow.legacyMs.p50 ?? Infinity);
    expect(shadow.vectorMs.p50).toBeGreaterThan(0);
    const again = open({ shadowConcurrency: 10 });
    await keys(again);
    await again.close();
    expect((await readSummary(table.pool, 'things')).shadow.searches).toBe(3);
    const stored = await table.pool.query('SELECT read_stats::text AS row FROM pgvector_backfill.read_stats');
    expect(JSON.stringify(stored.rows)).not.toContain('bread');
  });

  it('takes filters by name, whatever stands in their values', async () => {
    const search = open();
    for (const mode of ['legacy', 'vector', 'hybrid'] as const) {
      await table.set({ mode, percent: null });
      served.time += 1000;
      const german = await keys(search, 'bread', { filter: 'language' });
      expect(german.every((key) => Number(key) % 2 === 0)).toBe(true);
      expect(german.length).toBe(3);
      const english = await keys(search, 'bread', { filter: { name: 'language', values: ['en'] } });
      expect(english.every((key) => Number(key) % 2 === 1)).toBe(true);
      for (const value of [`de' OR true --`, `$1`, `'; DROP TABLE things; --`, '\\', '%'])
        expect(await keys(search, 'bread', { filter: { name: 'language', values: [value] } })).toEqual([]);
      await expect(search.search('bread', { filter: `x" OR true` })).rejects.toMatchObject({
        code: 'FILTER_UNKNOWN',
      });
      await expect(
        search.search('bread', { filter: { name: 'language', values: ['a', 'b'] } }),
      ).rejects.toMatchObject({ code: 'FILTER_VALUES' });
    }
    const rows = await table.pool.query('SELECT count(*)::int AS rows FROM things');
    expect(rows.rows).toEqual([{ rows: 30 }]);
  });

  it('takes a query text for a text', async () => {
    const search = open();
    for (const mode of ['legacy', 'vector', 'hybrid'] as const) {
      await table.set({ mode, percent: null });
      served.time += 1000;
      const found = await search.search(`bread'); DROP TABLE things; --`, { k: 3 });
      expect(found.hits.length).toBe(mode === 'legacy' ? 0 : 3);
    }
  });

  it('falls back in canary and counts it, throws in vector, goes by words in hybrid', async () => {
    const search = open({
      embedder: wordEmbedder({
        embed: async () => {
          throw Object.assign(new Error('the model is gone'), { code: 'MODEL_GONE' });
        },
      }),
    });
    await table.set({ mode: 'canary', percent: 100 });
    expect(await search.search('bread', { k: 3 })).toMatchObject({
      mode: 'canary',
      answeredBy: 'legacy',
      fallback: 'MODEL_GONE',
      hits: LEGACY_BREAD.map((key) => ({ key })),
    });
    await table.set({ mode: 'vector', percent: null });
    served.time += 1000;
    await expect(search.search('bread')).rejects.toMatchObject({ code: 'MODEL_GONE' });
    await search.close();
    expect((await readSummary(table.pool, 'things')).canary).toEqual({ vector: 0, legacy: 1, errors: 1 });
    const other = open();
    await expect(other.search('a word nobody knows')).rejects.toMatchObject({
      code: 'QUERY_NOT_EMBEDDABLE',
    });
    await table.set({ mode: 'hybrid', percent: null });
    served.time += 1000;
    expect(await keys(other, '14')).toEqual(['14']);
  });

  it('refuses a model that did not make the vectors, and what it cannot mean', async () => {
    await table.set({ mode: 'vector', percent: null });
    const search = open({ embedder: wordEmbedder({ fingerprint: 'another' }) });
    await expect(search.search('bread')).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
    for (const k of [0, 1.5, 1001, Number.NaN])
      await expect(search.search('bread', { k })).rejects.toMatchObject({ code: 'SEARCH_K' });
    await expect(open({ backfill: 'nothing' }).search('bread')).rejects.toMatchObject({
      code: 'BACKFILL_UNKNOWN',
    });
    await expect(
      open({ options: { serch: {} } as unknown as NonNullable<CreateSearchOptions['options']> }).search('x'),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('pinned, takes no SQL and no address from a ledger that somebody else may write to', async () => {
    const { pool } = table;
    const options = {
      table: 'things',
      key: 'id',
      text: ['body'],
      legacySearch: `SELECT id FROM things WHERE body LIKE '%' || $1 || '%' ORDER BY id LIMIT $2`,
    };
    const stored = (await pool.query(`SELECT settings FROM pgvector_backfill.backfill`)).rows[0] as {
      settings: object;
    };
    const write = (changes: object): Promise<unknown> =>
      pool.query('UPDATE pgvector_backfill.backfill SET settings = $1, updated_at = clock_timestamp()', [
        JSON.stringify(withValues(stored.settings, Object.entries(changes))),
      ]);
    const evil = {
      legacySearch: 'SELECT 666 WHERE $1 <> $2::text',
      where: '1 / 0 = 1',
      'model.endpoint': 'http://127.0.0.1:9/evil',
      'search.filters': [{ name: 'language', where: '1 / 0 = 1', values: [] }],
    };
    try {
      await write(evil);
      expect(await keys(open({ options: { table: 'things', text: ['body'] } }))).toEqual(['666']);
      const pinned = open({ options, pin: true });
      expect(await keys(pinned)).toEqual(LEGACY_BREAD);
      await expect(pinned.search('bread', { filter: 'language' })).rejects.toMatchObject({
        code: 'FILTER_UNKNOWN',
      });
      await table.set({ mode: 'vector', percent: null });
      served.time += 1000;
      expect(await keys(pinned)).toEqual(VECTOR_BREAD);
      // Other rows than the application's: said, not followed.
      await pool.query(`UPDATE pgvector_backfill.run SET scope = '{"where": "1 / 0 = 1"}'`);
      await expect(open({ options, pin: true }).search('bread')).rejects.toMatchObject({
        code: 'SEARCH_PINNED',
      });
      await expect(open({ pin: true }).search('bread')).rejects.toMatchObject({ code: 'BACKFILL_UNKNOWN' });
    } finally {
      await pool.query(`UPDATE pgvector_backfill.run SET scope = '{}'`);
      await write({});
    }
  });

  it('needs no ledger where the application brings its options, and goes on when the ledger is gone', async () => {
    const search = open();
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    await table.pool.query('DROP SCHEMA pgvector_backfill CASCADE');
    served.time += 1000;
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    const options = { table: 'things', text: ['body'], legacySearch: 'SELECT 7 WHERE $1 <> $2::text' };
    expect(await keys(open({ options }), 'x')).toEqual(['7']);
    expect(await keys(open({ options: { table: 'things', text: ['body'] } }), 'puppy', { k: 2 })).toEqual([
      '1',
      '4',
    ]);
  });
});
