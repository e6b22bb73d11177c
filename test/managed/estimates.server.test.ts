/** How many rows a table is said to have, and how long their texts: within a fifth, whatever the statistics know of it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { forecastTableGrowth } from '../../src/finalize/forecast/table-growth.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { estimatedRows, rowsOfLargestLeaf } from '../../src/table/estimated-rows.ts';
import { sampleTexts } from '../../src/table/sample-texts.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { until } from '../setup/until.ts';
import { makeSettings } from '../table/make-target.ts';

const COLUMNS = '(id bigint NOT NULL, body text)';
/** Many pages of few rows. */
const QUIET = 'WITH (autovacuum_enabled = off, fillfactor = 10)';
const narrow = (from: number, to: number): string =>
  `INSERT INTO t SELECT i, 'row' FROM generate_series(${from}, ${to}) i`;
const wide = (from: number, to: number): string =>
  `INSERT INTO t SELECT i, (SELECT string_agg(md5((i * w)::text), ' ') FROM generate_series(1, 40) w) FROM generate_series(${from}, ${to}) i`;
const plain = `CREATE UNLOGGED TABLE t ${COLUMNS} ${QUIET}`;
const parted = [
  `CREATE TABLE t ${COLUMNS} PARTITION BY RANGE (id)`,
  ...[1, 2, 3].map(
    (n) =>
      `CREATE UNLOGGED TABLE t_${n} PARTITION OF t FOR VALUES FROM (${(n - 1) * 100_000}) TO (${n * 100_000}) ${QUIET}`,
  ),
];

/** All are thousands of pages or analysed at another time: a sample has to tell. */
const SHAPES: Record<string, string[]> = {
  'never analysed, narrow rows': [plain, narrow(1, 22_000)],
  'never analysed, wide rows': [plain, wide(1, 2500)],
  'never analysed, two rows in three dead': [plain, narrow(1, 22_000), 'DELETE FROM t WHERE id % 3 > 0'],
  'never analysed, values out of line': [
    plain,
    'ALTER TABLE t ALTER body SET STORAGE EXTERNAL',
    `INSERT INTO t SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 2500) i`,
  ],
  'never analysed, parts of unlike rows': [
    ...parted,
    narrow(1, 20_000),
    wide(100_000, 101_500),
    narrow(200_000, 200_300),
  ],
  'one part analysed, another one since filled': [
    ...parted,
    narrow(1, 20_000),
    'ANALYZE t_1',
    wide(100_000, 101_500),
  ],
  'ten times as many rows since ANALYZE, and narrower': [
    plain,
    wide(1, 1000),
    'ANALYZE t',
    narrow(1001, 10_000),
  ],
  'ten times as many rows since ANALYZE, and wider': [plain, narrow(1, 300), 'ANALYZE t', wide(301, 3000)],
  'two rows in three dead since ANALYZE': [
    plain,
    narrow(1, 22_000),
    'ANALYZE t',
    'DELETE FROM t WHERE id % 3 > 0',
  ],
  'nine pages in ten without a row': [
    plain,
    narrow(1, 22_000),
    'DELETE FROM t WHERE id < 19800',
    'VACUUM (TRUNCATE off) t',
    `UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 't'::regclass`,
  ],
  'rows on the last pages alone since ANALYZE': [
    plain,
    narrow(1, 22_000),
    'ANALYZE t',
    'DELETE FROM t WHERE id < 20900',
  ],
  'half of the pages dense, half with a row or two': [
    plain,
    narrow(1, 22_000),
    'DELETE FROM t WHERE id < 11000 AND id % 100 > 0',
  ],
  empty: [plain],
  'empty again': [plain, narrow(1, 1000), 'ANALYZE t', 'DELETE FROM t'],
};

describe.runIf(hasPostgres())('a table', () => {
  let pool: Pool;
  let url: string;
  let isTold: boolean;
  beforeAll(async () => {
    ({ databaseUrl: url } = await realDatabase());
    pool = createPool(url, { name: 'test', max: 1, logger: silentLogger });
  });
  afterAll(() => pool.end());

  const make = async (steps: readonly string[]): Promise<number> => {
    await pool.query('DROP TABLE IF EXISTS t');
    for (const sql of steps) await pool.query(sql);
    // What a session has done is told within a second, or at its end.
    isTold = await pool.query('SELECT pg_stat_force_next_flush()').then(
      () => true,
      () => false,
    );
    return (await pool.query<{ n: number }>('SELECT count(*)::float8 AS n FROM t')).rows[0]?.n ?? 0;
  };

  it.each(Object.entries(SHAPES))('%s', async (name, steps) => {
    const rows = await make(steps);
    // Before PostgreSQL 15 nobody can hurry it.
    const { rows: said } = await until(`${name}: as it is`, async () => {
      const each = await estimatedRows(pool, '"public"."t"');
      return isTold || (each >= rows * 0.8 && each <= rows * 1.2) ? { rows: each } : null;
    });
    expect(said).toBeGreaterThanOrEqual(rows * 0.8);
    expect(said).toBeLessThanOrEqual(rows * 1.2);
  });

  it('reads a few thousand pages of a large one, and nothing of one that is analysed', async ({ skip }) => {
    await make([plain, narrow(1, 22_000)]);
    skip(!isTold, 'a server before PostgreSQL 15 does not tell at once');
    const read = async (): Promise<number> => {
      const client = await pool.connect();
      try {
        const look = `SELECT pg_stat_force_next_flush(), pg_stat_get_blocks_fetched('t'::regclass)::float8 AS pages`;
        await client.query(look);
        const before = (await client.query<{ pages: number }>(look)).rows[0]?.pages ?? 0;
        await estimatedRows(client, '"public"."t"');
        await client.query(look);
        return ((await client.query<{ pages: number }>(look)).rows[0]?.pages ?? 0) - before;
      } finally {
        client.release(true);
      }
    };
    const pages = await read();
    expect(pages).toBeGreaterThan(800);
    expect(pages).toBeLessThan(1200);
    await pool.query('ANALYZE t');
    expect(await read()).toBe(0);
  });

  it('in parts that nobody has analysed: the rows of the largest one, and not of the one with the most pages', async () => {
    const rows = await make(SHAPES['never analysed, parts of unlike rows'] ?? []);
    const largest = await rowsOfLargestLeaf(pool, { table: '"public"."t"', isPartitioned: true }, rows);
    expect(Math.abs(largest / 20_000 - 1)).toBeLessThan(0.2);
  });

  it('of narrow rows and then wide ones: texts and forecasts know of both', async () => {
    await make([
      plain,
      'ALTER TABLE t RESET (fillfactor), ADD PRIMARY KEY (id)',
      narrow(1, 9000),
      wide(9001, 10_000),
    ]);
    const settings = await makeSettings({ table: 't', text: 'body', database: url });
    const target = await describeTarget(pool, 't', settings);
    const { texts } = await sampleTexts(pool, target, 100, { rows: 2000, characters: 5000 });
    const mean = texts.reduce((sum, { text }) => sum + text.length, 0) / texts.length;
    expect(Math.abs(mean / (0.9 * 3 + 0.1 * (40 * 33 - 1)) - 1)).toBeLessThan(0.2);
    const forecast = await forecastTableGrowth({ pool, target, settings, dimensions: 50, rows: 10_000 });
    // A tuple of 24 + 8 + 4 and 208 of the vector, and 9 bytes of a date; of the wide ones 1,324 more.
    const bytes = 9000 * 268 + 1000 * 1592;
    expect(Math.abs(forecast.heapBytes / bytes - 1)).toBeLessThan(0.2);
    await pool.query('DELETE FROM t WHERE id <= 9000');
    const rest = await forecastTableGrowth({ pool, target, settings, dimensions: 50, rows: 1000 });
    expect(Math.abs(rest.heapBytes / (1000 * 1592) - 1)).toBeLessThan(0.2);
  });
});
