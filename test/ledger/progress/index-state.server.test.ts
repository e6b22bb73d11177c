import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { progressSnapshot } from '../../../src/ledger/progress/snapshot.ts';
import { saveIndexProgress } from '../../../src/ledger/run/index-progress.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../../setup/databases.ts';
import { hashEmbedder, runAll } from '../../setup/whole-run.ts';

describe.each(databases())('the index of a run on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('is shown as it is now, not as its builder left it', async () => {
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, 10) n`);
    const env = {
      DATABASE_URL: database.databaseUrl,
      QUEUE_URL: database.queueUrl,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_INDEX_METHOD: 'hnsw',
    };
    const { run } = await runAll(pool, await loadConfig({ flags: {}, env, cwd: '/' }), hashEmbedder());
    const name = 'docs_embedding_hnsw_idx';
    await saveIndexProgress(pool, run.id, { name, method: 'hnsw', phase: 'valid', progress: 1, seconds: 1 });
    const index = async () => (await progressSnapshot(pool, 'docs')).index;
    expect(await index()).toMatchObject({ name, valid: true, phase: 'valid' });
    await pool.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${name}'::regclass`);
    expect(await index()).toMatchObject({
      valid: false,
      phase: expect.stringContaining('no longer valid') as string,
    });
    await pool.query(`DROP INDEX ${name}`);
    expect(await index()).toMatchObject({
      valid: false,
      phase: expect.stringMatching(/^dropped .* `pgvector-backfill finalize`/) as string,
    });
  });
});
