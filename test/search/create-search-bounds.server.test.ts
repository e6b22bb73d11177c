/** What a search holds on to: its bounds, its connections, its rights. On real PostgreSQL: the embedded one has a single session. */

import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { readSummary } from '../../src/ledger/reads/read-stats.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { CreateSearchOptions, Search } from '../../src/search/search-interface.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { openServedTable, wordEmbedder, type ServedTable } from './served-table.ts';
import { LEGACY_BREAD, ServedSearches, VECTOR_BREAD, keys } from './served-searches.ts';
import { transactionPool } from './transaction-pool.ts';
import { applicationPool } from '../setup/application-pool.ts';

let table: ServedTable;
const served = new ServedSearches();
const open = (options?: Partial<CreateSearchOptions>): Search => served.open(table, options);
afterEach(() => served.close());

describe.runIf(hasPostgres())('createSearch', () => {
  beforeEach(async () => {
    table = await openServedTable(await realDatabase());
  });
  afterEach(() => table.close());

  it('sees a change by other hands once what it holds is a second old, and not before', async () => {
    const search = open();
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    await table.set({ mode: 'vector', percent: null });
    served.time += 999;
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    served.time += 1;
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
      served.time += 1000;
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
    // The application's, on which nothing of ours is set for good.
    const servers = applicationPool(table.url);
    const pooled = transactionPool(servers);
    const search = open({ pool: pooled.pool, shadowConcurrency: 10 });
    for (const [mode, percent] of [
      ['legacy', null],
      ['shadow', null],
      ['canary', 100],
      ['vector', null],
      ['hybrid', null],
    ] as const) {
      await table.set({ mode, percent });
      served.time += 1000;
      for (const filter of [undefined, 'language'])
        expect((await search.search('bread', { k: 3, ...(filter && { filter }) })).mode).toBe(mode);
    }
    await search.close();
    await servers.end();
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
      await table.set({ mode: 'interleave', percent: 100, generation: 1 });
      const votes = open({ pool });
      const result = await votes.search('bread');
      expect(votes.clicked(result, VECTOR_BREAD[0] as string)).toBe(true);
      await votes.close();
      expect((await readSummary(table.pool, 'things')).interleaving).toMatchObject([
        { searches: 1, ownWins: 1 },
      ]);
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
