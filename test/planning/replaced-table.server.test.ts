/** Behind an online schema change (copy, rename, rename) the old table keeps the index's name and our triggers. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { rollbackTarget } from '../../src/cutover/rollback-target.ts';
import { planSchemaRollback } from '../../src/cutover/schema-rollback.ts';
import { runSteps } from '../../src/cutover/planned-steps.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createIndexSql, wantedIndex } from '../../src/finalize/index-definition.ts';
import { latestRun, type Run } from '../../src/ledger/run/run.ts';
import { targetOfRun } from '../../src/ledger/run/run-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { blockers, diagnose } from '../../src/planning/doctor.ts';
import { enqueue } from '../../src/planning/enqueue.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { drainChanges } from '../../src/sync/drain-changes.ts';
import { verify } from '../../src/verify/verify.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 30;

describe.each(databases())('a table that was replaced, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
    await migrate(pool);
    config = await loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        QUEUE_URL: database.queueUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_INDEX_METHOD: 'hnsw',
      },
      cwd: '/',
    });
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });
  const openEmbedder = () => Promise.resolve(hashEmbedder());
  const blocking = async (): Promise<Finding[]> =>
    blockers((await diagnose({ pool, ...config, openEmbedder, withQueue: false })).findings);

  it('gets its backfill by what doctor says to type, and the way back leaves nothing on either', async () => {
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, ${ROWS}) n`);
    const { context } = await runAll(pool, config, hashEmbedder());
    await pool.query(
      `UPDATE pgvector_backfill.backfill SET added_columns = '{embedding,embedding_updated_at}'`,
    );
    await pool.query(`BEGIN; CREATE TABLE docs_new (LIKE docs INCLUDING ALL); INSERT INTO docs_new SELECT * FROM docs;
      ALTER TABLE docs RENAME TO docs_old; ALTER TABLE docs_new RENAME TO docs; COMMIT;
      UPDATE docs SET body = 'edited unseen' WHERE id = 3; INSERT INTO docs VALUES (100, 'new')`);
    const [finding, ...others] = await blocking();
    expect(others).toEqual([]);
    expect(finding).toEqual({
      level: 'error',
      check: 'names',
      message:
        'public.docs_embedding_hnsw_idx is there already, and is not the vector index of public.docs: it is of table public.docs_old.',
      remedy:
        'Rename it: ALTER INDEX "public"."docs_embedding_hnsw_idx" RENAME TO "docs_embedding_hnsw_idx_old";',
    });
    await pool.query((finding?.remedy ?? '').replace('Rename it: ', ''));
    expect(await blocking()).toEqual([]);

    const address = await prepareQueues(config, pool, silentLogger);
    const { backfill, settings } = config;
    const { target } = await diagnose({ pool, ...config, openEmbedder, withQueue: false });
    if (target === null) throw new Error('doctor finds no table');
    const logger = silentLogger;
    await withQueues(address, (queues) =>
      enqueue({ pool, target, settings, embedder: hashEmbedder(), logger, queues, limitRows: null }),
    );
    const run = (await latestRun(pool, backfill)) as Run;
    const planned = { ...context, ...(await targetOfRun(pool, run, settings)) };
    for (let number = 1; number <= run.batchesPlanned; number++) await processBatch(planned, run, number);
    await pool.query(createIndexSql(target, wantedIndex(target, settings, ROWS)));
    await pool.query(`UPDATE docs SET body = 'edited' WHERE id = 4; UPDATE docs_old SET body = 'old' WHERE id = 5;
      DELETE FROM docs_old WHERE id = 6`);
    expect(await drainChanges(planned, run)).toMatchObject({ changes: 3, done: 3 });
    const { passed, accounting } = await verify({ ...planned, run, openEmbedder });
    expect({ passed, accounting }).toMatchObject({
      passed: true,
      accounting: { eligible: ROWS + 1, embedded: ROWS + 1 },
    });

    await withQueues(address, async (queues) => {
      const removal = await rollbackTarget(pool, backfill, settings);
      expect(removal.target.name).toBe('docs');
      await runSteps(await planSchemaRollback([{ pool, ...removal, settings, queues, reason: '' }]));
    });
    const left = await pool.query(
      `SELECT tgname::text AS name FROM pg_trigger WHERE tgname LIKE 'pgvector_backfill%'
       UNION SELECT nspname FROM pg_namespace WHERE nspname = 'pgvector_backfill'
       UNION SELECT attname FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attname LIKE 'embedding%' AND NOT attisdropped`,
    );
    expect(left.rows).toEqual([]);
    await pool.query(`UPDATE docs SET body = 'mine'; UPDATE docs_old SET body = 'mine'`);
  });
});
