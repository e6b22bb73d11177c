/** Counts of batches follow the table also where sync and the recount meet. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { recountMarked } from '../../src/sync/recount-batches.ts';
import { markForRecount } from '../../src/ledger/batch/recount.ts';
import { databases, hasPostgres, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

// Two sessions at a time, of which one waits for the other: the embedded server has one for all.
describe.runIf(hasPostgres()).each(databases())('the recount on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, 10) n`);
    await migrate(pool);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('a mark that is set while the batch is being counted outlives that count', async () => {
    const env = { DATABASE_URL: database.databaseUrl, BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'body' };
    const { context, run } = await runAll(
      pool,
      await loadConfig({ flags: {}, env, cwd: '/' }),
      hashEmbedder(),
      { index: false },
    );
    const { target } = context;
    await markForRecount(pool, target, run.id, ['3']);
    const marked = async (): Promise<unknown> =>
      (await pool.query('SELECT recount FROM pgvector_backfill.batch')).rows[0];
    // The count stands still before it reads a row: it waits for the staging table.
    const holder = await pool.connect();
    let counting: Promise<number>;
    try {
      await holder.query(`BEGIN; LOCK TABLE ${target.stage} IN ACCESS EXCLUSIVE MODE`);
      counting = recountMarked(pool, target, run, 0);
      const waits = `SELECT 1 FROM pg_locks WHERE relation = $1::regclass AND NOT granted`;
      await expect.poll(async () => (await pool.query(waits, [target.stage])).rowCount).toBe(1);
      await markForRecount(pool, target, run.id, ['4']);
    } finally {
      await holder.query('COMMIT');
      holder.release();
    }
    expect(await counting).toBe(1);
    expect(await marked()).toEqual({ recount: true });
    expect(await recountMarked(pool, target, run, 0)).toBe(1);
    expect(await marked()).toEqual({ recount: false });
  });
});
