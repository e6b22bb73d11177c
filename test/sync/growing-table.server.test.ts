/** A table that outgrows its plan: what is counted again after an edit stays a batch, whoever appends or fills gaps. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { progressSnapshot } from '../../src/ledger/progress/snapshot.ts';
import { findRun, type Run } from '../../src/ledger/run/run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { countTable } from '../../src/pipeline/count-table.ts';
import { planRun } from '../../src/planning/plan.ts';
import { recountMarked } from '../../src/sync/recount-batches.ts';
import { sweepAll } from '../../src/sync/sweep-missed-rows.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll, type RunResult } from '../setup/whole-run.ts';

const ROWS = 200;
const BATCH = 20;

describe.each(databases())('a growing table on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let result: RunResult;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`INSERT INTO docs SELECT 1000 * n, 'bread ' || n FROM generate_series(1, ${ROWS}) n`);
    const config = await loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': `${BATCH}` },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
    result = await runAll(pool, config, hashEmbedder(), { index: false });
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const currentRun = async (): Promise<Run> => (await findRun(pool, result.run.uid)) as Run;
  const recount = async (): Promise<number> =>
    recountMarked(pool, result.context.target, await currentRun(), 60_000);
  const synced = async (): Promise<void> => {
    expect(await result.sync()).toBe(0);
    await recount();
  };
  /** Every key is in one batch, every batch is small, and together they count what is there. */
  async function expectCut(rows: number): Promise<void> {
    const homes = await pool.query(
      `SELECT id FROM docs LEFT JOIN pgvector_backfill.batch ON run = $1 AND (lower_key IS NULL OR id >= lower_key::bigint)
          AND (upper_key IS NULL OR id < upper_key::bigint) GROUP BY id HAVING count(number) <> 1`,
      [result.run.id],
    );
    expect(homes.rows).toEqual([]);
    const sizes = await pool.query<{ largest: number }>(
      'SELECT max(eligible)::int AS largest FROM pgvector_backfill.batch WHERE run = $1',
      [result.run.id],
    );
    expect(sizes.rows[0]?.largest).toBeLessThanOrEqual(2 * BATCH);
    expect((await progressSnapshot(pool, 'docs')).rows).toMatchObject({
      eligible: rows,
      embedded: rows,
      pending: 0,
    });
  }

  it('cuts its last range as rows are appended, and any other as gaps are filled', async () => {
    await pool.query(
      `INSERT INTO docs SELECT 1000000 + n, 'appended ' || n FROM generate_series(1, 260) n UNION ALL
       SELECT 50000 + n, 'between ' || n FROM generate_series(1, 140) n`,
    );
    await synced();
    await expectCut(ROWS + 400);
    // A part grows again, and the last batch does.
    await pool.query(
      `INSERT INTO docs SELECT 50400 + n, 'more ' || n FROM generate_series(1, 100) n UNION ALL
       SELECT 2000000 + n, 'more ' || n FROM generate_series(1, 100) n`,
    );
    await synced();
    await expectCut(ROWS + 600);
    for (const id of [50_120, 50_450, 1_000_230, 2_000_050, 7000]) {
      await pool.query(`UPDATE docs SET body = 'edited' WHERE id = $1`, [id]);
      expect(await result.sync()).toBe(0);
      const { rows } = await pool.query(
        'SELECT eligible <= $2 AS small FROM pgvector_backfill.batch WHERE run = $1 AND recount',
        [result.run.id, 2 * BATCH],
      );
      expect(rows).toEqual([{ small: true }]);
      expect(await recount()).toBe(1);
    }
    // A sweep goes over all of them.
    await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
    await pool.query(`UPDATE docs SET body = 'unseen' WHERE id IN (50450, 1000230, 2000050)`);
    expect(await sweepAll({ pool, target: result.context.target, run: await currentRun() })).toBe(3);
    await synced();
    await expectCut(ROWS + 600);
  });

  it('a plan that goes on behind a canary leaves what was cut of it alone', async () => {
    const { target } = result.context;
    const run = await currentRun();
    // As if its rows had been a canary.
    await pool.query(
      `UPDATE pgvector_backfill.batch SET upper_key = '200001' WHERE run = $1 AND upper_key IS NULL`,
      [run.id],
    );
    await pool.query(`INSERT INTO docs SELECT 199000 + n, 'grown ' || n FROM generate_series(1, 200) n`);
    await synced();
    await pool.query(`INSERT INTO docs SELECT 300000 + n, 'behind ' || n FROM generate_series(1, 50) n`);
    const facts = { batchRows: BATCH, limitRows: null, resuming: true, fingerprint: run.fingerprint };
    await planRun(pool, target, await currentRun(), facts);
    const found = await pool.query(
      `SELECT number, lower_key AS lower, upper_key AS upper, rows::int AS rows FROM pgvector_backfill.batch
        WHERE run = $1 AND state = 'pending' ORDER BY number`,
      [run.id],
    );
    expect(found.rows).toEqual([
      { number: 11, lower: '200001', upper: '300021', rows: 20 },
      { number: 12, lower: '300021', upper: '300041', rows: 20 },
      { number: 13, lower: '300041', upper: null, rows: 10 },
    ]);
  });

  it('counts the whole table in pages, and goes on where a process that was killed stood', async () => {
    const reading = {
      pool,
      target: result.context.target,
      fingerprint: result.run.fingerprint,
      claim: { run: result.run.id, number: 0 },
    };
    await pool.query(`UPDATE docs SET body = '' WHERE id <= 3000`);
    let pages = 0;
    const pass = (): Promise<boolean> => Promise.resolve(++pages <= 3);
    const options = { purpose: 'gate', pass, pageRows: 30 } as const;
    await expect(countTable(reading, options)).rejects.toMatchObject({ code: 'RUN_STOPPED' });
    pages = -100;
    const whole = { eligible: ROWS, embedded: ROWS - 3, stale: 3, captured: 3, missing: 0 };
    expect(await countTable(reading, options)).toMatchObject(whole);
    // Three of seven pages were counted by the first one, and the next count begins at the beginning.
    expect(pages).toBe(-100 + 4);
    expect(await countTable(reading, { ...options, pass: () => Promise.resolve(true) })).toMatchObject(whole);
  });
});
