/** The library face, by every read mode. */

import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { readSummary } from '../../src/ledger/read-stats.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { fuse } from '../../src/relevance/fuse.ts';
import { createSearch, type CreateSearchOptions, type Search } from '../../src/search/create-search.ts';
import { backends, hasPostgres, realDatabase } from '../setup/databases.ts';
import { openServedTable, wordEmbedder, type ServedTable } from './served-table.ts';
import { transactionPool } from './transaction-pool.ts';

const LEGACY_BREAD = ['3', '6', '9'];
/** By falling cosine: the vectors of these rows lie nearest to the axis of bread. */
const VECTOR_BREAD = ['2', '5', '8'];

let table: ServedTable;
const opened: Search[] = [];
/** A clock that stands still until it is moved: no read mode grows old by itself. */
let time = 0;
const open = (options: Partial<CreateSearchOptions> = {}): Search => {
  const search = createSearch({
    pool: table.pool,
    backfill: 'things',
    embedder: wordEmbedder(),
    clock: { now: () => time },
    ...options,
  });
  opened.push(search);
  return search;
};
const keys = async (search: Search, text = 'bread', options = {}): Promise<string[]> =>
  (await search.search(text, { k: 3, ...options })).hits.map(({ key }) => key);
afterEach(async () => {
  await Promise.all(opened.splice(0).map((search) => search.close()));
});

describe.each(backends().filter(({ name }) => name !== 'PostgreSQL and Redis'))(
  'createSearch on $name',
  ({ create }) => {
    beforeAll(async () => {
      table = await openServedTable(await create());
    });
    afterAll(() => table.close());
    beforeEach(() =>
      table.pool.query('DELETE FROM pgvector_backfill.read_mode; DELETE FROM pgvector_backfill.read_stats'),
    );

    it('answers by the mode that the ledger holds', async () => {
      const search = open();
      const next = async (mode: Parameters<ServedTable['set']>[0]): Promise<void> => {
        await table.set(mode);
        time += 1000;
      };
      expect(await search.search('bread', { k: 3 })).toEqual({
        mode: 'legacy',
        answeredBy: 'legacy',
        fallback: null,
        hits: LEGACY_BREAD.map((key, at) => ({ key, rank: at + 1, distance: null, score: null })),
      });
      await next({ mode: 'vector', percent: null });
      const vector = await search.search('bread', { k: 3 });
      expect(vector).toMatchObject({ mode: 'vector', answeredBy: 'vector', fallback: null });
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
      await next({ mode: 'canary', percent: 100 });
      expect(await search.search('bread', { k: 3 })).toMatchObject({ mode: 'canary', answeredBy: 'vector' });
      await next({ mode: 'shadow', percent: null });
      expect(await keys(search)).toEqual(LEGACY_BREAD);
      await next({ mode: 'legacy', percent: null });
      expect(await keys(search)).toEqual(LEGACY_BREAD);
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
      const stored = await table.pool.query(
        'SELECT read_stats::text AS row FROM pgvector_backfill.read_stats',
      );
      expect(JSON.stringify(stored.rows)).not.toContain('bread');
    });

    it('takes filters by name, whatever stands in their values', async () => {
      const search = open();
      for (const mode of ['legacy', 'vector', 'hybrid'] as const) {
        await table.set({ mode, percent: null });
        time += 1000;
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
        time += 1000;
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
      time += 1000;
      await expect(search.search('bread')).rejects.toMatchObject({ code: 'MODEL_GONE' });
      await search.close();
      expect((await readSummary(table.pool, 'things')).canary).toEqual({ vector: 0, legacy: 1, errors: 1 });
      const other = open();
      await expect(other.search('a word nobody knows')).rejects.toMatchObject({
        code: 'QUERY_NOT_EMBEDDABLE',
      });
      await table.set({ mode: 'hybrid', percent: null });
      time += 1000;
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
        open({ options: { serch: {} } as unknown as NonNullable<CreateSearchOptions['options']> }).search(
          'x',
        ),
      ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });

    it('needs no ledger where the application brings its options, and goes on when the ledger is gone', async () => {
      const search = open();
      expect(await keys(search)).toEqual(LEGACY_BREAD);
      await table.pool.query('DROP SCHEMA pgvector_backfill CASCADE');
      time += 1000;
      expect(await keys(search)).toEqual(LEGACY_BREAD);
      const options = { table: 'things', text: ['body'], legacySearch: 'SELECT 7 WHERE $1 <> $2::text' };
      expect(await keys(open({ options }), 'x')).toEqual(['7']);
      expect(await keys(open({ options: { table: 'things', text: ['body'] } }), 'puppy', { k: 2 })).toEqual([
        '1',
        '4',
      ]);
    });
  },
);

describe.runIf(hasPostgres())('createSearch', () => {
  beforeEach(async () => {
    table = await openServedTable(await realDatabase());
  });
  afterEach(() => table.close());

  it('sees a change by other hands once what it holds is a second old, and not before', async () => {
    const search = open();
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    await table.set({ mode: 'vector', percent: null });
    time += 999;
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    time += 1;
    expect(await keys(search)).toEqual(VECTOR_BREAD);
  });

  it('sees a rollback while it keeps asking, by the real clock', async () => {
    await table.set({ mode: 'vector', percent: null });
    const searches = [open({ clock: performance }), open({ clock: performance })];
    for (const search of searches) expect(await keys(search)).toEqual(VECTOR_BREAD);
    await table.set({ mode: 'legacy', percent: null });
    for (const search of searches) while ((await search.search('bread')).mode !== 'legacy');
    for (const search of searches) expect(await keys(search)).toEqual(LEGACY_BREAD);
  });

  it('is not held up, broken or flooded by a shadow that hangs', async () => {
    await table.set({ mode: 'shadow', percent: null });
    let begun = 0;
    let aborted = 0;
    const search = open({
      shadowTimeoutMs: 30,
      shadowConcurrency: 2,
      embedder: wordEmbedder({
        embed: (_texts, options) => {
          begun++;
          options?.signal?.addEventListener('abort', () => aborted++);
          return new Promise(() => {});
        },
      }),
    });
    for (let n = 0; n < 5; n++) expect(await keys(search)).toEqual(LEGACY_BREAD);
    await search.close();
    // The two that hang for ever keep their places: what came later found none.
    expect({ begun, aborted }).toEqual({ begun: 2, aborted: 2 });
    expect((await readSummary(table.pool, 'things')).shadow).toMatchObject({
      searches: 0,
      timeouts: 2,
      skipped: 3,
      overlap: null,
    });
  });

  it('is not broken by a shadow that throws, in the model or in the database', async () => {
    await table.set({ mode: 'shadow', percent: null });
    const failing = open({
      shadowConcurrency: 10,
      embedder: wordEmbedder({
        embed: () => {
          throw new Error('at once');
        },
      }),
    });
    expect(await keys(failing)).toEqual(LEGACY_BREAD);
    await failing.close();
    await table.pool.query('ALTER TABLE things DROP COLUMN embedding');
    const search = open();
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    await search.close();
    expect((await readSummary(table.pool, 'things')).shadow).toMatchObject({ searches: 0, errors: 2 });
  });

  it('leaves the last connections to the application', async () => {
    await table.set({ mode: 'shadow', percent: null });
    const search = open();
    const held = await Promise.all(Array.from({ length: 5 }, () => table.pool.connect()));
    try {
      expect(await keys(search)).toEqual(LEGACY_BREAD);
    } finally {
      for (const client of held) client.release();
    }
    await search.close();
    expect((await readSummary(table.pool, 'things')).shadow).toMatchObject({ searches: 0, skipped: 1 });
  });

  it('moves a share of the keys over, the same ones each time and more of them later', async () => {
    const chosen = async (percent: number): Promise<Set<number>> => {
      await table.set({ mode: 'canary', percent });
      time += 1000;
      // Two processes, as far as they know.
      const [one, two] = [open(), open()];
      const inside = new Set<number>();
      for (let user = 0; user < 120; user++) {
        const first = await one.search('bread', { key: `user ${user}`, k: 1 });
        const again = await two.search('puppy', { key: `user ${user}`, k: 1 });
        expect(again.answeredBy).toBe(first.answeredBy);
        if (first.answeredBy === 'vector') inside.add(user);
      }
      return inside;
    };
    const few = await chosen(10);
    const many = await chosen(60);
    // 120 keys: chance keeps the shares within these with all but one in a million.
    expect(few.size).toBeGreaterThan(0);
    expect(few.size).toBeLessThan(32);
    expect(many.size).toBeGreaterThan(42);
    expect(many.size).toBeLessThan(99);
    expect([...few].filter((user) => !many.has(user))).toEqual([]);
  });

  it('works by every mode where each transaction has another connection', async () => {
    await table.pool.query(
      `UPDATE pgvector_backfill.backfill SET read_settings = '{"hnsw.ef_search":"77","hnsw.iterative_scan":"strict_order","hnsw.max_scan_tuples":"5000","hnsw.bogus":"1"}'`,
    );
    const pooled = transactionPool(table.pool);
    const search = open({ pool: pooled.pool, shadowConcurrency: 10 });
    for (const [mode, percent] of [
      ['legacy', null],
      ['shadow', null],
      ['canary', 100],
      ['vector', null],
      ['hybrid', null],
    ] as const) {
      await table.set({ mode, percent });
      time += 1000;
      for (const filter of [undefined, 'language'])
        expect((await search.search('bread', { k: 3, ...(filter && { filter }) })).mode).toBe(mode);
    }
    await search.close();
    expect(pooled.transactions).toBeGreaterThan(10);
    expect(pooled.left).toEqual([]);
    expect((await readSummary(table.pool, 'things')).shadow).toMatchObject({ searches: 2, errors: 0 });
  });

  it('runs the vector search with the settings that verify has stored, for its own transaction alone', async () => {
    await table.pool.query(
      `UPDATE pgvector_backfill.backfill SET read_settings = '{"hnsw.ef_search":"77","hnsw.iterative_scan":"relaxed_order"}'`,
    );
    await table.set({ mode: 'vector', percent: null });
    // The condition of the table's own SQL is a place from which the settings in force can be told.
    await table.pool.query('CREATE TABLE seen (ef text, scan text)');
    await table.pool.query(
      `CREATE FUNCTION see() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN
         INSERT INTO seen VALUES (current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')); RETURN true; END $$`,
    );
    const search = open({
      options: { search: { filters: [{ name: 'see', where: '(SELECT see())', values: [] }] } },
    });
    expect(await keys(search, 'bread', { filter: 'see' })).toEqual(VECTOR_BREAD);
    const seen = await table.pool.query('SELECT DISTINCT ef, scan FROM seen');
    expect(seen.rows).toEqual([{ ef: '77', scan: 'relaxed_order' }]);
  });

  it('needs the rights that the documentation names, and asks for them', async () => {
    const role = `app_${process.pid}`;
    await table.set({ mode: 'shadow', percent: null });
    await table.pool.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'a-test-password'; GRANT SELECT ON things TO ${role}`,
    );
    const url = new URL(table.url);
    url.username = role;
    url.password = 'a-test-password';
    const pool = createPool(url.href, { name: 'test', max: 4, logger: silentLogger });
    try {
      const search = open({ pool });
      await expect(search.search('bread')).rejects.toMatchObject({ code: 'READ_MODE_RIGHTS' });
      const documented = await readFile('docs/cutover.md', 'utf8');
      for (const [grant] of documented.matchAll(/^GRANT .* TO app;$/gm))
        await table.pool.query(grant.replace('app;', role));
      expect(await keys(search)).toEqual(LEGACY_BREAD);
      await search.close();
      expect((await readSummary(table.pool, 'things')).shadow).toMatchObject({ searches: 1, errors: 0 });
    } finally {
      await pool.end();
      await table.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('stops waiting when the caller does', async () => {
    await table.set({ mode: 'vector', percent: null });
    const stop = new AbortController();
    const search = open({
      embedder: wordEmbedder({
        embed: () => {
          stop.abort(new Error('the user has left'));
          return new Promise(() => {});
        },
      }),
    });
    await expect(search.search('bread', { signal: stop.signal })).rejects.toThrow('the user has left');
    await expect(search.search('bread', { signal: stop.signal })).rejects.toThrow('the user has left');
    await search.close();
    await expect(search.search('bread')).rejects.toMatchObject({ code: 'SEARCH_CLOSED' });
  });
});
