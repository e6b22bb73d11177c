/** How many rows a table is said to have: what forecasts, samples and messages go by. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { estimatedRows } from '../../src/table/estimated-rows.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

const ROWS = 300_000;

describe.each(databases())('estimated rows on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** Rows much narrower than their types let the planner think, or much wider. */
  const fill = (table: string, rows: number, text: string): Promise<unknown> =>
    pool.query(`INSERT INTO ${table} SELECT i, ${text}, NULL, NULL FROM generate_series(1, ${rows}) i`);
  const columns = '(id bigint, title text, body text, tags text[])';
  const off = async (table: string, rows: number): Promise<number> =>
    Math.abs((await estimatedRows(pool, table)) / rows - 1);

  it('are within a fifth where nobody has analysed the table, or not since it was filled', async () => {
    await pool.query(`CREATE TABLE narrow ${columns} WITH (autovacuum_enabled = off)`);
    await fill('narrow', ROWS, `''`);
    expect(await off('narrow', ROWS)).toBeLessThan(0.2);
    await pool.query(`CREATE TABLE wide ${columns} WITH (autovacuum_enabled = off)`);
    await fill('wide', 5000, `repeat(md5(i::text), 40)`);
    expect(await off('wide', 5000)).toBeLessThan(0.2);
    await pool.query(`CREATE TABLE grown ${columns} WITH (autovacuum_enabled = off)`);
    await pool.query('VACUUM ANALYZE grown');
    expect(await estimatedRows(pool, 'grown')).toBe(0);
    await fill('grown', 20_000, `''`);
    expect(await off('grown', 20_000)).toBeLessThan(0.2);
    await pool.query('ANALYZE grown');
    await fill('grown', 80_000, `''`);
    expect(await off('grown', 100_000)).toBeLessThan(0.2);
  });

  it('are those of all parts of a partitioned table', async () => {
    await pool.query(`CREATE TABLE parts ${columns} PARTITION BY RANGE (id)`);
    for (const [from, to] of [
      [1, 10_000],
      [10_000, 100_000],
    ])
      await pool.query(
        `CREATE TABLE parts_${from} PARTITION OF parts FOR VALUES FROM (${from}) TO (${to}) WITH (autovacuum_enabled = off)`,
      );
    await fill('parts', 50_000, `''`);
    await pool.query('ANALYZE parts_1');
    expect(await off('parts', 50_000)).toBeLessThan(0.2);
  });
});
