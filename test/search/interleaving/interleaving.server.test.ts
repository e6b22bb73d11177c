/** Answers of two searches in turn, and who was clicked: by the library face, on a server. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { uniform } from '../../../src/random.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { saveBackfill } from '../../../src/ledger/backfill/backfill.ts';
import { createRun } from '../../../src/ledger/run/run.ts';
import { scopeOf } from '../../../src/ledger/run/scope.ts';
import { createSearch } from '../../../src/search/create-search.ts';
import { readModeOf, saveReadMode } from '../../../src/ledger/reads/read-mode.ts';
import { readSummary } from '../../../src/ledger/reads/read-stats.ts';
import type { InterleavingSummary } from '../../../src/ledger/reads/interleaving.ts';
import type { CreateSearchOptions, Search } from '../../../src/search/search-interface.ts';
import { databases, hasPostgres, realDatabase } from '../../setup/databases.ts';
import { openPassageTable } from '../passage-table.ts';
import { openServedTable, wordEmbedder, type ServedTable } from '../served-table.ts';
import { LEGACY_BREAD, ServedSearches, VECTOR_BREAD } from '../served-searches.ts';
import { SECOND_BREAD, VECTOR_1, addGeneration, secondEmbedder } from '../two-models.ts';

let table: ServedTable;
const served = new ServedSearches();
const open = (options?: Partial<CreateSearchOptions>): Search => served.open(table, options);
const summary = async (name = 'things'): Promise<InterleavingSummary | undefined> =>
  (await readSummary(table.pool, name)).interleaving[0];
const ALL = { mode: 'interleave', percent: 100, generation: 1 } as const;
const BOTH = [...LEGACY_BREAD, ...VECTOR_BREAD].toSorted();

describe.each(databases())('interleaved reads on $name', ({ create }) => {
  beforeAll(async () => {
    table = await openServedTable(await create());
  });
  afterEach(() => served.close());
  afterAll(() => table.close());
  beforeEach(async () => {
    await table.pool.query(
      'DELETE FROM pgvector_backfill.read_mode; DELETE FROM pgvector_backfill.read_stats',
    );
    await table.set(ALL);
    served.time += 1000;
  });

  it('hold the rows of both, and say nothing of whose they are', async () => {
    const search = open();
    const result = await search.search('bread', { k: 6 });
    expect(result).toMatchObject({
      mode: 'interleave',
      answeredBy: 'interleaved',
      generation: 1,
      fallback: null,
      interleaving: expect.any(String) as string,
    });
    expect(result.hits.map(({ key }) => key).toSorted()).toEqual(BOTH);
    expect(result.hits).toEqual(
      result.hits.map(({ key }, at) => ({ key, rank: at + 1, distance: null, score: null })),
    );
    // The same page again for the same key, and the longer one begins with it; without one, the coins fall as they fall.
    const keysOf = async (options: object): Promise<string> =>
      (await search.search('bread', { k: 6, ...options })).hits.map(({ key }) => key).join();
    expect(await keysOf({ key: 'anna' })).toBe(await keysOf({ key: 'anna' }));
    const first = new Set<string>();
    for (let n = 0; n < 40; n++) first.add((await keysOf({ k: 2 })).slice(0, 1));
    expect([...first].toSorted()).toEqual(['2', '3']);
    const german = await search.search('bread', { k: 30, filter: 'language' });
    expect(german.hits.every(({ key }) => Number(key) % 2 === 0)).toBe(true);
    await expect(search.search('bread', { filter: 'unknown' })).rejects.toMatchObject({
      code: 'FILTER_UNKNOWN',
    });
    await search.close();
    expect(await summary()).toMatchObject({ searches: 44, oneSided: 0, failed: 0, against: 'legacy' });
  });

  it('take their share of the keys, and the others have what they had', async () => {
    await table.set({ ...ALL, percent: 30 });
    served.time += 1000;
    const search = open();
    let interleaved = 0;
    for (let n = 0; n < 100; n++) {
      const result = await search.search('bread', { k: 3, key: `user ${n}` });
      if (result.answeredBy === 'interleaved') interleaved++;
      else {
        expect(result.hits.map(({ key }) => key)).toEqual(LEGACY_BREAD);
        expect(search.clicked(result, '3')).toBe(false);
      }
    }
    expect(interleaved).toBeGreaterThan(15);
    expect(interleaved).toBeLessThan(45);
    // A release that does not know of the mode goes by the first columns: what answered before answers all.
    const kept = await table.pool.query('SELECT mode, percent FROM pgvector_backfill.read_mode');
    expect(kept.rows).toEqual([{ mode: 'shadow', percent: null }]);
    expect(await readModeOf(table.pool, 'things')).toMatchObject({ mode: 'interleave', percent: 30 });
  });

  it('count a click once for its side, in whichever process, and a second one as what it makes of the answer', async () => {
    const search = open();
    const result = await search.search('bread', { k: 6, key: 'anna' });
    expect(search.clicked(result, '3')).toBe(true);
    expect(search.clicked(result, '3')).toBe(false);
    expect(search.clicked(result, '4711')).toBe(false);
    expect(search.clicked({ interleaving: 'nonsense' }, '3')).toBe(false);
    expect(search.clicked({}, '3')).toBe(false);
    await vi.waitFor(async () => expect(await summary()).toMatchObject({ searches: 1, baseWins: 1 }), 5000);
    // Handed over as won already: the other click makes a tie of it.
    expect(search.clicked(result, '2')).toBe(true);
    const other = open();
    const again = await search.search('bread', { k: 6, key: 'bert' });
    const { interleaving } = JSON.parse(JSON.stringify(again)) as { interleaving: string };
    expect(other.clicked({ interleaving }, '5')).toBe(true);
    await search.close();
    await other.close();
    expect(other.clicked({ interleaving }, '8')).toBe(false);
    expect(await summary()).toMatchObject({
      searches: 2,
      baseClicks: 1,
      ownClicks: 2,
      baseWins: 0,
      ownWins: 1,
      ties: 1,
      delta: 0.25,
      excludesZero: false,
    });
    const stored = await table.pool.query('SELECT s::text AS row FROM pgvector_backfill.read_stats s');
    expect(JSON.stringify(stored.rows)).not.toMatch(/bread|anna|bert/);
  });

  it('give one answer alone where the other fails or is slow, and count no preference of it', async () => {
    const broken = open({
      embedder: wordEmbedder({
        embed: async () => {
          throw Object.assign(new Error('the model is gone'), { code: 'MODEL_GONE' });
        },
      }),
    });
    const alone = await broken.search('bread', { k: 3 });
    expect(alone).toMatchObject({ answeredBy: 'legacy', generation: null, fallback: 'MODEL_GONE' });
    expect(alone.hits.map(({ key }) => key)).toEqual(LEGACY_BREAD);
    expect(broken.clicked(alone, '3')).toBe(false);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = open({
      interleaveTimeoutMs: 50,
      embedder: wordEmbedder({
        embed: async (texts) => {
          await held;
          return wordEmbedder().embed(texts);
        },
      }),
    });
    expect(await slow.search('bread', { k: 3 })).toMatchObject({
      answeredBy: 'legacy',
      fallback: 'SEARCH_SLOW',
    });
    release();
    const legacySearch = 'SELECT 1 / (length($1) * 0) LIMIT $2';
    const vectors = open({ options: { legacySearch } });
    const own = await vectors.search('bread', { k: 3 });
    expect(own).toMatchObject({
      answeredBy: 'vector',
      generation: 1,
      fallback: expect.any(String) as string,
    });
    expect(own.hits.map(({ key }) => key)).toEqual(VECTOR_BREAD);
    await expect(vectors.search('a word nobody knows')).rejects.toThrow();
    // A model of other vectors is not waited for, and not asked by each search.
    const other = open({ embedder: wordEmbedder({ fingerprint: 'another' }) });
    expect(await other.search('bread', { k: 3 })).toMatchObject({ fallback: 'MODEL_OPENING' });
    await vi.waitFor(async () =>
      expect(await other.search('bread', { k: 3 })).toMatchObject({
        answeredBy: 'legacy',
        fallback: 'MODEL_MISMATCH',
      }),
    );
    const nothing = open();
    expect(await nothing.search('puppy 4', { k: 2 })).toMatchObject({ answeredBy: 'interleaved' });
    await served.close();
    expect(await summary()).toMatchObject({
      failed: 3,
      searches: 1,
      baseClicks: 0,
      ownClicks: 0,
      delta: null,
    });
  });

  it('tell the preference of people who have one, within its interval', async () => {
    const random = uniform(3);
    // Seven in ten look for what the vectors find, the others for what the words do; each clicks the first such row.
    const wanted = 0.7;
    const search = open();
    for (let n = 0; n < 250; n++) {
      const result = await search.search('bread', { k: 4, key: `user ${n}` });
      const rows = random() < wanted ? VECTOR_BREAD : LEGACY_BREAD;
      const click = result.hits.find(({ key }) => rows.includes(key));
      if (random() < 0.8) expect(search.clicked(result, click?.key ?? '')).toBe(true);
    }
    await search.close();
    const found = (await summary()) as InterleavingSummary;
    expect(found.searches).toBe(250);
    expect(found.baseClicks + found.ownClicks).toBe(found.baseWins + found.ownWins);
    expect(found.deltaLow).toBeLessThan(wanted - 0.5);
    expect(found.deltaHigh).toBeGreaterThan(wanted - 0.5);
    expect(found).toMatchObject({ excludesZero: true, ties: 0 });
  });

  it('show none to blind clicks', async () => {
    const random = uniform(4);
    const search = open();
    for (let n = 0; n < 250; n++) {
      const result = await search.search('bread', { k: 3, key: `user ${n}` });
      search.clicked(result, result.hits[Math.floor(random() ** 2 * 3)]?.key ?? '');
    }
    await search.close();
    expect(await summary()).toMatchObject({ searches: 250, excludesZero: false });
  });
});

describe.runIf(hasPostgres())('interleaved answers over passages', () => {
  it('have the nearest passage of every row, whichever search has found it', async () => {
    const passages = await openPassageTable({ rows: 90, dimensions: 8, passages: '1 + d.id % 3' });
    const { pool, target, settings } = passages;
    const vector = Float32Array.from([1, 2, 0, 0, 1, 0, 0, 3]);
    try {
      await migrate(pool);
      const { database: _, queue: __, ...stored } = settings;
      await saveBackfill(pool, target, stored);
      const scope = scopeOf(settings);
      await createRun(pool, 'docs', { fingerprint: 'p', model: 'm', dimensions: 8, batchRows: 10, scope });
      await saveReadMode(pool, 'docs', ALL, { by: 'the test', reason: '' });
      const embedder = wordEmbedder({
        dimensions: 8,
        fingerprint: 'p',
        embed: () =>
          Promise.resolve({
            vectors: vector,
            faults: new Uint8Array(1),
            tokens: new Int32Array(1),
            truncated: new Uint8Array(1),
            masked: {},
          }),
      });
      const legacySearch = `SELECT id FROM docs WHERE body LIKE '%' || $1 || '%' ORDER BY id LIMIT $2`;
      const search = createSearch({ pool, backfill: 'docs', embedder, options: { legacySearch } });
      const { answeredBy, hits } = await search.search('row', { k: 12, passageText: true });
      expect(answeredBy).toBe('interleaved');
      expect(hits).toHaveLength(12);
      const best = await pool.query<{ key: string; number: number }>(
        'SELECT DISTINCT ON (id) id::text AS key, chunk AS number FROM docs_embedding ORDER BY id, embedding <=> $1::vector',
        [JSON.stringify([...vector])],
      );
      const numbers = new Map(best.rows.map(({ key, number }) => [key, number]));
      for (const { key, passage, distance } of hits) {
        expect(passage).toMatchObject({ number: numbers.get(key), text: expect.any(String) as string });
        expect(distance).toBeNull();
      }
      await search.close();
    } finally {
      await passages.drop();
    }
  });
});

describe.runIf(hasPostgres())('interleaved generations', () => {
  beforeEach(async () => {
    table = await openServedTable(await realDatabase());
    await addGeneration(table);
  });
  afterEach(async () => {
    await served.close();
    await table.close();
  });

  it('are each whole, and counted for the one that is tried', async () => {
    await table.set({ mode: 'interleave', percent: 100, generation: 2, base: VECTOR_1 });
    const search = open({ embedder: [wordEmbedder(), secondEmbedder()] });
    const result = await search.search('bread', { k: 6 });
    expect(result).toMatchObject({ answeredBy: 'interleaved', generation: 2, fallback: null });
    expect(result.hits.map(({ key }) => key).toSorted()).toEqual(
      [...VECTOR_BREAD, ...SECOND_BREAD].toSorted(),
    );
    expect(search.clicked(result, SECOND_BREAD[0] as string)).toBe(true);
    await search.close();
    expect(await summary('things')).toBeUndefined();
    expect(await summary('things@2')).toMatchObject({ against: 'vector@1', ownWins: 1, searches: 1 });
    const kept = await table.pool.query('SELECT mode, trial_mode FROM pgvector_backfill.read_mode');
    expect(kept.rows).toEqual([{ mode: 'vector', trial_mode: 'shadow' }]);
    // Whoever has not opened the model of the new one is answered by the one before.
    const early = open({ embedder: [wordEmbedder()] });
    expect(await early.search('bread', { k: 3 })).toMatchObject({
      answeredBy: 'vector',
      generation: 1,
      fallback: expect.any(String) as string,
    });
  });
});
