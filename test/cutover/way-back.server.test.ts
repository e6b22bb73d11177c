/** The way back to the legacy schema needs neither key nor text nor model: only what was put there. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { rollbackTarget } from '../../src/cutover/rollback-target.ts';
import { planSchemaRollback } from '../../src/cutover/schema-rollback.ts';
import { runSteps } from '../../src/cutover/planned-steps.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

describe.each(databases())('rollback to the legacy schema, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  const load = (options: Record<string, string>): Promise<Config> =>
    loadConfig({
      flags: {},
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl, ...options },
      cwd: '/',
      backfill: 'docs',
      optional: ['text'],
    });
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
    await migrate(pool);
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text, lang text)');
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n, 'en' FROM generate_series(1, 20) n`);
    const config = await load({ BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'body' });
    await runAll(pool, config, hashEmbedder());
    await pool.query(
      `UPDATE pgvector_backfill.backfill SET added_columns = '{embedding,embedding_updated_at}'`,
    );
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });
  /** @returns what is left of ours in the database. */
  async function goBack(): Promise<unknown[]> {
    const config = await load({ BACKFILL_TABLE: 'docs' });
    const address = await prepareQueues(config, pool, silentLogger);
    await withQueues(address, async (queues) => {
      const removal = await rollbackTarget(pool, 'docs', config.settings);
      await runSteps(
        await planSchemaRollback([{ pool, ...removal, settings: config.settings, queues, reason: '' }]),
      );
    });
    const left = await pool.query(
      `SELECT relname::text AS name FROM pg_class WHERE relname LIKE '%embedding%' AND relnamespace <> 'pg_toast'::regnamespace
       UNION SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgvector_backfill%'
       UNION SELECT nspname FROM pg_namespace WHERE nspname = 'pgvector_backfill'`,
    );
    return left.rows;
  }

  it('the key has another name, the text is gone, and the table is called something else', async () => {
    await pool.query('ALTER TABLE docs RENAME COLUMN id TO article_id');
    await pool.query(
      'DROP TRIGGER pgvector_backfill_capture_update ON docs; ALTER TABLE docs DROP COLUMN body',
    );
    await pool.query('ALTER TABLE docs RENAME TO articles');
    // The application goes on before, and after.
    await pool.query(
      `INSERT INTO articles (article_id) VALUES (500); DELETE FROM articles WHERE article_id = 4`,
    );
    expect(await goBack()).toEqual([]);
    await pool.query(`INSERT INTO articles VALUES (501, 'en'); DELETE FROM articles WHERE article_id = 5`);
    const columns = await pool.query(
      `SELECT attname FROM pg_attribute WHERE attrelid = 'articles'::regclass AND attnum > 0 AND NOT attisdropped`,
    );
    expect(columns.rows).toEqual([{ attname: 'article_id' }, { attname: 'lang' }]);
  });

  it('the table is gone', async () => {
    await pool.query('DROP TABLE docs');
    expect(await goBack()).toEqual([]);
  });
});
