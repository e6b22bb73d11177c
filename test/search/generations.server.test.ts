/** Reads between two generations: every answer is of one of them, whatever is moved, missing or rolled back meanwhile. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WantedReads } from '../../src/ledger/reads/read-mode.ts';
import { readSummary } from '../../src/ledger/reads/read-stats.ts';
import { readTimes } from '../../src/ledger/reads/read-times.ts';
import type { CreateSearchOptions, Search } from '../../src/search/search-interface.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { sampleModel } from '../setup/model.ts';
import { makeSettings } from '../table/make-target.ts';
import { openServedTable, wordEmbedder, type ServedTable } from './served-table.ts';
import { ServedSearches, VECTOR_BREAD, keys } from './served-searches.ts';
import {
  FIRST,
  SECOND,
  SECOND_BREAD,
  VECTOR_1,
  addGeneration,
  distancesOf,
  secondEmbedder,
} from './two-models.ts';

/** Until a model is open. */
const PATIENCE = { timeout: 20_000, interval: 20 };

let table: ServedTable;
const served = new ServedSearches();
const MODELS = [wordEmbedder(), secondEmbedder()];
const open = (options: Partial<CreateSearchOptions> = {}): Search =>
  served.open(table, { embedder: MODELS, ...options });
const move = async (choice: WantedReads): Promise<void> => {
  await table.set(choice);
  served.time += 1000;
};
const reports = async (): Promise<Record<string, string | null>> => {
  const found = await table.pool.query<{ backfill: string; fault: string | null }>(
    'SELECT backfill, fault FROM pgvector_backfill.read_report WHERE host = $1',
    [hostname()],
  );
  return Object.fromEntries(found.rows.map(({ backfill, fault }) => [backfill, fault]));
};

describe.runIf(hasPostgres())('reads between two generations', () => {
  beforeEach(async () => {
    table = await openServedTable(await realDatabase());
    served.time = 0;
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await served.close();
    await table.close();
  });

  it('never mixes them while they are moved over and back under searches', async () => {
    await addGeneration(table);
    await table.set(FIRST);
    const texts = ['bread', 'puppy', 'guitar'];
    const check = await distancesOf(table, { 1: wordEmbedder(), 2: secondEmbedder() }, texts);
    const clients = Array.from({ length: 4 }, () => open({ shadowConcurrency: 10 }));
    const hybrid = { mode: 'hybrid', generation: 1 } as const;
    const stages: [WantedReads, readonly number[]][] = [
      [FIRST, [1]],
      [{ mode: 'shadow', percent: null, generation: 2, base: VECTOR_1 }, [1]],
      [{ mode: 'canary', percent: 40, generation: 2, base: VECTOR_1 }, [1, 2]],
      [SECOND, [2]],
      [FIRST, [1]],
      [{ ...hybrid, percent: null }, [1]],
      [{ mode: 'canary', percent: 60, generation: 2, base: hybrid }, [1, 2]],
      [{ mode: 'hybrid', percent: null, generation: 2, base: hybrid }, [2]],
      [{ mode: 'legacy', percent: null }, []],
    ];
    for (const [choice, allowed] of stages) {
      const before = clients.map(async (client, at) => {
        for (let n = 0; n < 3; n++) {
          const text = texts[(n + at) % 3] as string;
          check(await client.search(text, { k: 5, key: `user ${n} ${at}` }), text);
        }
      });
      await move(choice);
      const seen = new Set<number>();
      const behind = clients.map(async (client, at) => {
        for (let n = 0; n < 8; n++) {
          const text = texts[(n + at) % 3] as string;
          const result = await client.search(text, { k: 5, key: `user ${n} ${at}` });
          check(result, text);
          expect(result).toMatchObject({ mode: choice.mode, fallback: null });
          if (result.generation !== null) seen.add(result.generation);
        }
      });
      await Promise.all([...before, ...behind]);
      expect([...seen].toSorted((a, b) => (a < b ? -1 : 1))).toEqual(allowed);
    }
    await served.close();
    // Figures are of the generation that was tried, or has answered.
    const trial = await readSummary(table.pool, 'things@2');
    expect(trial.shadow.searches).toBeGreaterThan(0);
    expect(trial.shadow.errors).toBe(0);
    expect(trial.canary.vector + trial.canary.legacy).toBeGreaterThanOrEqual(64);
    expect((await readSummary(table.pool, 'things')).canary.vector).toBe(0);
    const modes = async (name: string): Promise<string[]> =>
      (await readTimes(table.pool, name)).map(({ mode }) => mode);
    expect(await modes('things@2')).toEqual(['canary', 'hybrid', 'vector']);
    expect(await modes('things')).toEqual(['canary', 'hybrid', 'legacy', 'shadow', 'vector']);
  });

  it('sees a rollback within its bound, on every client', async () => {
    await addGeneration(table);
    await table.set(SECOND);
    const clients = [open(), open()];
    for (const client of clients) expect(await keys(client)).toEqual(SECOND_BREAD);
    await table.set(FIRST);
    served.time += 999;
    for (const client of clients) expect(await keys(client)).toEqual(SECOND_BREAD);
    served.time += 1;
    for (const client of clients) {
      expect(await client.search('bread', { k: 3 })).toMatchObject({ generation: 1, fallback: null });
      expect(await keys(client)).toEqual(VECTOR_BREAD);
    }
  });

  it('is seen by a package of an earlier release as the first generation', async () => {
    await addGeneration(table);
    const earlier = async (): Promise<unknown> =>
      (
        await table.pool.query(
          `SELECT coalesce(m.mode, 'legacy') AS mode, m.percent, b.settings ->> 'column' AS column,
                  (SELECT r.fingerprint FROM pgvector_backfill.run r WHERE r.backfill = b.name ORDER BY r.id DESC LIMIT 1) AS fingerprint
             FROM pgvector_backfill.backfill b LEFT JOIN pgvector_backfill.read_mode m ON m.backfill = b.name WHERE b.name = 'things'`,
        )
      ).rows[0];
    const first = { mode: 'vector', percent: null, column: 'embedding', fingerprint: 'of the test' };
    for (const choice of [
      SECOND,
      { mode: 'canary', percent: 10, generation: 2, base: VECTOR_1 },
      { mode: 'shadow', percent: null, generation: 2, base: VECTOR_1 },
    ] as const) {
      await table.set(choice);
      expect(await earlier()).toEqual(first);
    }
    // The other way round: a ledger of an earlier release knows one generation.
    await table.set(FIRST);
    await table.pool.query(
      `DELETE FROM pgvector_backfill.run WHERE backfill = 'things@2';
       DELETE FROM pgvector_backfill.backfill WHERE name = 'things@2';
       ALTER TABLE pgvector_backfill.backfill DROP COLUMN of_backfill, DROP COLUMN generation, DROP COLUMN dropped_at;
       ALTER TABLE pgvector_backfill.read_mode DROP COLUMN generation, DROP COLUMN trial_mode, DROP COLUMN trial_percent,
         DROP COLUMN trial_generation, DROP COLUMN previous_mode, DROP COLUMN previous_generation`,
    );
    expect(await open().search('bread', { k: 3 })).toMatchObject({ mode: 'vector', generation: 1 });
  });

  it('pinned to the options of one generation, is answered by no other', async () => {
    await addGeneration(table);
    await table.pool.query(
      `UPDATE pgvector_backfill.run SET scope = jsonb_build_object('column', CASE backfill WHEN 'things' THEN 'embedding' ELSE 'embedding_2' END)`,
    );
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const options = { table: 'things', key: 'id', text: ['body'] };
    await table.set(SECOND);
    const pinned = open({ options, pin: true });
    expect(await pinned.search('bread', { k: 3 })).toMatchObject({
      mode: 'vector',
      generation: 1,
      fallback: 'SEARCH_PINNED',
      hits: VECTOR_BREAD.map((key) => ({ key })),
    });
    await move({ mode: 'vector', percent: null, generation: 2 });
    await expect(pinned.search('bread')).rejects.toMatchObject({ code: 'SEARCH_PINNED' });
    const deployed = open({ options: { ...options, column: 'embedding_2' }, pin: true });
    expect(await keys(deployed)).toEqual(SECOND_BREAD);
    // Not pinned, the column is each generation's own, whatever half of the application was given.
    expect(await keys(open({ options: { column: 'embedding' } }))).toEqual(SECOND_BREAD);
  });

  it('reports of every generation that reads may be moved to, and needs the one that answers', async () => {
    await addGeneration(table);
    await table.set(FIRST);
    const readiness = await open().ready();
    expect(readiness).toMatchObject({
      model: 'words',
      dimensions: 3,
      reported: true,
      generations: [
        { generation: 1, model: 'words', dimensions: 3, fault: null },
        { generation: 2, model: 'other words', dimensions: 5, fault: null },
      ],
    });
    expect(await reports()).toEqual({ things: null, 'things@2': null });
    const broken = secondEmbedder({ embed: () => Promise.reject(new Error('no more memory')) });
    const half = open({ embedder: [wordEmbedder(), broken] });
    expect((await half.ready()).generations[1]).toMatchObject({ generation: 2, fault: 'UNEXPECTED' });
    expect(await half.embed('bread')).toEqual([1, 0, 0]);
    await move(SECOND);
    // The generation before answers in its place: the application starts.
    expect(await half.ready()).toMatchObject({ model: 'words', generations: [{ generation: 2 }, {}] });
    expect(await reports()).toEqual({ things: null, 'things@2': 'UNEXPECTED' });
    await expect(half.embed('bread')).rejects.toThrow('no more memory');
    await move({ mode: 'vector', percent: null, generation: 2 });
    await expect(half.ready()).rejects.toThrow('no more memory');
  });

  it('answers by the one before where the model is not there, and moves by itself when it is', async () => {
    const model = sampleModel();
    const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-host-'));
    const options = { 'model-name': model.name, 'model-local-path': folder, 'model-quantized': 'false' };
    const embedder = await sharedEmbedder(
      await makeSettings({ ...options, 'model-local-path': model.localPath }),
      1,
    );
    await addGeneration(table, { embedder, options });
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await table.set(SECOND);
    // Deployed with the options of the model before, and its folder.
    const search = open({
      embedder: wordEmbedder(),
      options: { model: { name: 'words', localPath: join(folder, 'of the application') } },
    });
    const fallback = async (): Promise<string | null> => (await search.search('bread')).fallback;
    // Nobody waits for a model while the one before is open.
    expect(await fallback()).toBe('MODEL_OPENING');
    await expect.poll(fallback, PATIENCE).toBe('MODEL_FILES_MISSING');
    for (let n = 0; n < 3; n++)
      expect(await search.search('bread', { k: 3 })).toMatchObject({
        mode: 'vector',
        answeredBy: 'vector',
        generation: 1,
        fallback: 'MODEL_FILES_MISSING',
        hits: VECTOR_BREAD.map((key) => ({ key })),
      });
    const told = warnings.mock.calls.map(([, about]) => (about as { code: string }).code);
    expect(told.filter((code) => code === 'PGVECTOR_BACKFILL_GENERATION')).toHaveLength(1);
    await expect.poll(reports, PATIENCE).toMatchObject({ 'things@2': 'MODEL_FILES_MISSING' });

    await cp(join(model.localPath, model.name), join(folder, model.name), { recursive: true });
    expect(await search.search('bread')).toMatchObject({ generation: 1 });
    served.time += 5000;
    await expect.poll(async () => (await search.search('bread')).generation, PATIENCE).toBe(2);
    expect(await reports()).toMatchObject({ 'things@2': null });

    // A client that answers by the first generation opens the second as soon as that is ready, before reads are moved.
    await move(FIRST);
    await table.pool.query('DELETE FROM pgvector_backfill.read_report');
    const warm = open({ embedder: wordEmbedder() });
    expect(await warm.search('bread')).toMatchObject({ generation: 1, fallback: null });
    await expect.poll(reports, PATIENCE).toMatchObject({ 'things@2': null });
    await move(SECOND);
    expect(await warm.search('bread')).toMatchObject({ generation: 2, fallback: null });
    await rm(folder, { recursive: true });
  });
});
