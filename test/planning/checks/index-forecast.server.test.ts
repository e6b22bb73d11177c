/** What doctor says of an index that memory or time are too little for. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { calibrate } from '../../../src/finalize/forecast/calibration.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import type { Finding } from '../../../src/planning/checks/finding.ts';
import { checkIndexForecast } from '../../../src/planning/checks/index-forecast.ts';
import { describeTarget } from '../../../src/ledger/backfill/describe-target.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../../setup/databases.ts';
import { makeSettings } from '../../table/make-target.ts';

describe.runIf(hasPostgres())('the forecast of an index', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query('CREATE TABLE things (id bigint PRIMARY KEY, title text)');
    await pool.query(`INSERT INTO things SELECT i, 'thing ' || i FROM generate_series(1, 20000) i`);
    await pool.query('VACUUM ANALYZE things');
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  async function forecast(flags: Record<string, string>, calibrate = false): Promise<Finding | undefined> {
    const settings = await makeSettings({ table: 'things', text: 'title', ...flags });
    const target = await describeTarget(pool, 'things', settings);
    return (await checkIndexForecast({ pool, target, settings, dimensions: 384, calibrate }))[0];
  }

  /** 20,000 rows of 2,218 bytes and 4 MB, of 730 as bits; 10,000 samples of 1,544 bytes for the lists. */
  it.each([
    ['a graph that fits', { method: 'hnsw', memory: '64MB' }, 'ok', /^HNSW on vector: .*46\.3 MB of memory/],
    [
      'a graph that leaves memory',
      { method: 'hnsw', memory: '40MB' },
      'warn',
      /40\.0 MB may be used: the rest/,
    ],
    ['lists that cannot be made', { method: 'ivfflat', memory: '8MB' }, 'error', /the index is not built/],
    [
      'bits as there is no room for a graph of vectors',
      { method: 'auto', memory: '20MB' },
      'ok',
      /^HNSW on bit: .*HNSW on halfvec needs/,
    ],
    [
      'lists as there is no room for a graph',
      { method: 'auto', memory: '14MB' },
      'ok',
      /^IVFFlat.*HNSW on bit needs/,
    ],
    [
      'a graph as there is not even room for lists',
      { method: 'auto', memory: '4MB' },
      'warn',
      /^HNSW on bit.*IVFFlat on halfvec needs/,
    ],
  ])('%s', async (_, { method, memory }, level, message) => {
    const finding = await forecast({ 'index-method': method, 'index-maintenance-work-mem': memory });
    expect(finding).toMatchObject({ level, message: expect.stringMatching(message) as string });
    expect(finding?.message).toContain('before that, new row versions');
    if (level === 'ok') expect(finding?.remedy).toBeUndefined();
    else expect(finding?.remedy).toMatch(/^Set index\.maintenanceWorkMem .* to \d+MB/);
    expect(finding?.remedy?.includes('index.method (') ?? false).toBe(level !== 'ok' && method !== 'auto');
  });

  it('of bits measures the time of the build, and says where bits are no good', async () => {
    const target = await describeTarget(
      pool,
      'things',
      await makeSettings({ table: 'things', text: 'title' }),
    );
    const found = async (flags: Record<string, string>, dimensions: number): Promise<Finding[]> => {
      const settings = await makeSettings({ table: 'things', text: 'title', 'index-type': 'bit', ...flags });
      return checkIndexForecast({ pool, target, settings, dimensions, calibrate: true });
    };
    const [first, ...others] = await found({}, 384);
    expect(first?.message).toMatch(/^HNSW on bit: [\d.]+ MB on disk and as much WAL, .*, about [\d.]+ s/);
    expect(others).toEqual([]);
    const [, length, few] = await found({ metric: 'l2', 'model-normalize': 'false' }, 64);
    expect(length).toMatchObject({
      level: 'warn',
      check: 'index-bits',
      message: expect.stringContaining('l2') as string,
    });
    expect(few).toMatchObject({
      level: 'warn',
      check: 'index-bits',
      message: expect.stringContaining('64 dimensions') as string,
    });
  });

  it('knows of a server on which the small build does not end in time that it takes at least so long', async () => {
    const settings = await makeSettings({ table: 'things', text: 'title' });
    const seconds = await calibrate({
      pool,
      target: await describeTarget(pool, 'things', settings),
      plan: { method: 'hnsw', type: 'vector' },
      metric: 'cosine',
      dimensions: 384,
      m: 16,
      efConstruction: 64,
      rows: 20_000,
      source: 'random',
      buildLimitMs: 5,
    });
    // Four times the rows of the sample.
    expect(seconds).toBeGreaterThan(0.02);
  });

  it('warns of a build that takes longer than it may', async () => {
    const finding = await forecast({ 'index-method': 'hnsw', 'index-build-minutes': '0.001' }, true);
    expect(finding).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('0.001 min are allowed') as string,
      remedy: expect.stringMatching(/^Raise index\.buildMinutes .*or set index\.method .*to auto/) as string,
      option: 'index.buildMinutes',
    });
  });
});
