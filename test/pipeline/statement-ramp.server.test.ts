/** Rows of merge statements within a batch: each page begins small again, however large the last batch has let them grow. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 900;

describe.each(databases())('merge statements on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, ${ROWS}) n`);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('begin with few rows behind the work of the model, whatever fast ones have let them grow to', async () => {
    const config = await loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': `${ROWS}`, 'merge-rows': `${ROWS}` },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
    const { context, run } = await runAll(pool, config, hashEmbedder(), { index: false });
    await pool.query(
      `UPDATE docs SET body = body || '.'; UPDATE pgvector_backfill.batch SET state = 'pending'`,
    );
    vi.spyOn(context.throttle, 'statementRows', 'get').mockReturnValue(ROWS);
    const admit = vi.spyOn(context.throttle, 'admit');
    await processBatch(context, run, 1);
    const sizes = admit.mock.calls.map(([rows]) => rows);
    expect(sizes[0]).toBeLessThanOrEqual(100);
    sizes.slice(1).forEach((rows, at) => expect(rows).toBeLessThanOrEqual(2 * (sizes[at] ?? 0)));
    expect(sizes.reduce((sum, rows) => sum + rows, 0)).toBe(ROWS);
  });
});
