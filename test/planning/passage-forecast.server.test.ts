/** The forecast of passages against what they come to. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import type { LocalEmbedder } from '../../src/embedding/local-embedder.ts';
import { openTransformersEmbedder } from '../../src/embedding/local-embedder.ts';
import { forecastPassages } from '../../src/planning/passage-forecast.ts';
import { checkIndexForecast } from '../../src/planning/checks/index-forecast.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { uniform } from '../../src/random.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { modelOptionsOf, sampleModel } from '../setup/model.ts';
import { makeSettings } from '../table/make-target.ts';

const ROWS = 3000;

describe.runIf(hasPostgres())('the forecast of passages', () => {
  let database: TestDatabase;
  let pool: Pool;
  let embedder: LocalEmbedder;
  let actual = 0;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    const options = { longText: 'chunks', chunkTokens: 48, chunkOverlap: 8 } as const;
    embedder = await openTransformersEmbedder({ ...modelOptionsOf(sampleModel()), ...options }, 2);
    const bodies = articles().map(({ title, body }) => `${title}\n${body ?? ''}`);
    const random = uniform(7);
    // Most are short, a few many times as long.
    const texts = Array.from({ length: ROWS }, (_, row) =>
      Array.from(
        { length: 1 + Math.floor(12 * random() ** 4) },
        (__, at) => bodies[(row + 37 * at) % bodies.length],
      ).join('\n\n'),
    );
    await pool.query('INSERT INTO docs SELECT n, t FROM unnest($1::text[]) WITH ORDINALITY AS u (t, n)', [
      texts,
    ]);
    await pool.query('VACUUM ANALYZE docs');
    actual = (await embedder.cutPassages(texts)).texts.reduce(
      (sum, { passages }) => sum + passages.length,
      0,
    );
  }, 60_000);
  afterAll(async () => {
    await embedder.close();
    await pool.end();
    await database.drop();
  });

  it('is right within a tenth, also where there is time for a part of the sample only', async () => {
    const settings = await makeSettings({
      table: 'docs',
      text: 'body',
      store: 'table',
      'model-long-text': 'chunks',
      'model-chunk-tokens': '48',
      'model-chunk-overlap': '8',
    });
    const target = await describeTarget(pool, 'docs', settings);
    const whole = await forecastPassages(pool, target, embedder);
    expect(whole?.sampledRows).toBe(600);
    expect(Math.abs(((whole?.perRow ?? 0) * ROWS) / actual - 1)).toBeLessThan(0.1);
    const slow = {
      ...embedder,
      cutPassages: async (texts: readonly string[]) => {
        const until = performance.now() + 250;
        while (performance.now() < until);
        return embedder.cutPassages(texts);
      },
    };
    const part = await forecastPassages(pool, target, slow);
    expect(part?.sampledRows).toBeLessThan(600);
    expect(Math.abs(((part?.perRow ?? 0) * ROWS) / actual - 1)).toBeLessThan(0.1);
    expect(await forecastPassages(pool, { ...target, hasPassages: false }, embedder)).toBeNull();

    const { dimensions } = embedder;
    const asked = { pool, target, settings, dimensions, calibrate: false };
    const [finding] = await checkIndexForecast({ ...asked, passages: whole });
    expect(finding?.message).toMatch(/\(3,000 rows, \d+\.\d passages a row by a sample of 600\)$/);
    const [single] = await checkIndexForecast(asked);
    const size = (message = ''): number => Number(/: ([\d.]+) [kM]B on disk/.exec(message)?.[1]);
    expect(size(finding?.message)).not.toBe(size(single?.message));
  });
});
