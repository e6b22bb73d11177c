import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { hnswBuildBytes } from '../../src/finalize/forecast/index-size.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { FINALIZE_CAUSES, finalizeJobData, finalizeJobId } from '../../src/queue/jobs/payloads.ts';

const NAME = 'articles_embedding_hnsw_idx';

describe.runIf(hasPostgres())('the finalizer', () => {
  const model = sampleModel();
  let backfill: TestBackfill;
  beforeEach(async () => {
    backfill = await openBackfill(await realDatabase(), model, {
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_VERIFY_SAMPLES: '15',
    });
    await loadArticles(backfill.pool, articles());
    await backfill.enqueue();
  });
  afterEach(() => backfill.close());

  const indexes = async (): Promise<{ name: string; valid: boolean; oid: string }[]> =>
    (
      await backfill.pool.query<{ name: string; valid: boolean; oid: string }>(
        `SELECT c.relname::text AS name, i.indisvalid AS valid, c.oid::text AS oid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
          JOIN pg_am am ON am.oid = c.relam WHERE i.indrelid = 'articles'::regclass AND am.amname = 'hnsw'`,
      )
    ).rows;

  it('replaces the invalid leftover of a build that was cut off', async () => {
    await backfill.pool.query(
      `CREATE INDEX ${NAME} ON articles USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)`,
    );
    await backfill.pool.query(
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${NAME}'::regclass`,
    );
    const [leftover] = await indexes();
    expect(await backfill.work()).toMatchObject({ state: 'ready', index: { valid: true } });
    const after = await indexes();
    expect(after).toMatchObject([{ name: NAME, valid: true }]);
    expect(after[0]?.oid).not.toBe(leftover?.oid);
  });

  it('leaves a valid index of the wanted definition as it is', async () => {
    await backfill.pool.query(
      `CREATE INDEX ${NAME} ON articles USING hnsw (embedding vector_cosine_ops) WITH (ef_construction = 64, m = 16)`,
    );
    const before = await indexes();
    expect(await backfill.work()).toMatchObject({ state: 'ready' });
    expect(await indexes()).toEqual(before);
  });

  it('never drops a valid index of another definition: the run stops and says what to do', async () => {
    await backfill.pool.query(
      `CREATE INDEX ${NAME} ON articles USING hnsw (embedding vector_l2_ops) WITH (m = 8, ef_construction = 64)`,
    );
    const before = await indexes();
    const snapshot = await backfill.work();
    expect(snapshot.state).toBe('failed');
    expect(snapshot.reason).toContain(NAME);
    expect(snapshot.reason).toContain('vector_l2_ops');
    expect(await indexes()).toEqual(before);
    // Repaired by the operator, it goes on by the same verb.
    await backfill.pool.query(`DROP INDEX ${NAME}`);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ state: 'ready', index: { valid: true } });
  });

  it('that fails at its last attempt leaves the run failed, not finalizing for ever, and goes on when asked', async () => {
    const { pool, config } = backfill;
    const rename = (from: string, to: string): Promise<unknown> =>
      pool.query(`ALTER OPERATOR CLASS ${from} USING hnsw RENAME TO ${to}`);
    await rename('vector_cosine_ops', 'renamed_ops');
    const embedding = await backfill.workers(['embed']);
    const { uid } = await backfill.run();
    await until('all batches are merged', async () => (await backfill.snapshot()).batches.pending === 0);
    await embedding.drain();
    const address = await prepareQueues(config, pool, silentLogger);
    await withQueues(address, async ({ finalize }) => {
      for (const cause of FINALIZE_CAUSES) await finalize.remove(finalizeJobId(uid, cause));
      await finalize.add('finalize', finalizeJobData(uid, false), { attempts: 1 });
    });
    const finalizing = await backfill.workers(['finalize']);
    const { reason } = await untilSettled(pool, config.backfill);
    expect(reason).toMatch(
      /^finalizer: operator class .* \(42704\), at the last of 1 attempts\. .*`pgvector-backfill finalize`/,
    );
    expect((await backfill.run()).state).toBe('failed');
    await rename('renamed_ops', 'vector_cosine_ops');
    expect((await runCommand('finalize', [], backfill.env)).code).toBe(0);
    await until('the run is ready', async () => (await backfill.run()).state === 'ready');
    await finalizing.drain();
  });

  it('is followed to the verdict of its own build, not the one from before', async () => {
    expect(await backfill.work()).toMatchObject({ state: 'ready' });
    await backfill.pool.query(`DROP INDEX ${NAME}`);
    expect((await runCommand('verify', ['--json'], backfill.env)).code).toBe(3);
    const watched = runCommand('finalize', ['--watch', '--json'], backfill.env);
    const worker = await backfill.workers(['finalize']);
    const { code, json } = await watched;
    await worker.drain();
    expect({ code, last: json() }).toMatchObject({
      code: 0,
      last: { state: 'ready', index: { valid: true } },
    });
  });

  it('builds once where two finalizers are asked at a time, and reports who blocks the build', async () => {
    // An older transaction that has written: CONCURRENTLY waits for it.
    const blocker = await backfill.pool.connect();
    await blocker.query('BEGIN');
    await blocker.query(`UPDATE articles SET updated_at = now() WHERE id = (SELECT min(id) FROM articles)`);
    const pid = (await blocker.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
    const { config, pool } = backfill;
    const workers = await Promise.all([backfill.workers(['finalize']), backfill.workers(['finalize'])]);
    const embedding = await backfill.workers(['embed']);
    // The blocked row keeps one batch from merging; coverage without it is enough to ask for the index by hand.
    expect((await runCommand('finalize', ['--json'], backfill.env)).code).toBe(0);
    const { found, index, reason } = await until('the build waits for the blocker', async () => {
      const snapshot = await backfill.snapshot();
      const waitsFor = snapshot.index.blockers.find((each) => each.pid === pid);
      return waitsFor !== undefined && { ...snapshot, found: waitsFor };
    });
    expect(found).toEqual({
      pid,
      application: 'pgvector-backfill test',
      state: 'idle in transaction',
      waitEvent: 'ClientRead',
      ageSeconds: expect.any(Number) as number,
    });
    expect(reason).toMatch(
      new RegExp(`; waits for pid ${pid} .pgvector-backfill test., idle in transaction for \\d+ s`),
    );
    expect(index.phase).toMatch(/^waiting for/);
    await blocker.query('ROLLBACK');
    blocker.release();
    expect(await untilSettled(pool, config.backfill)).toMatchObject({
      state: 'ready',
      index: { valid: true, blockers: [] },
    });
    await Promise.all([...workers, embedding].map((each) => each.drain()));
    expect(await indexes()).toMatchObject([{ name: NAME, valid: true }]);
    const built = await pool.query(`SELECT 1 FROM pgvector_backfill.event WHERE kind = 'index.built'`);
    expect(built.rowCount).toBe(1);
  });

  it('verifies the index that it has chosen, not the one that it began with', async () => {
    const { rows } = await backfill.pool.query<{ rows: number }>(
      'SELECT count(*)::int AS rows FROM articles',
    );
    // A dense graph: of so few rows another would not fill the least memory that a server takes.
    const shape = { dimensions: model.dimensions, m: 100, type: 'halfvec', parallel: false } as const;
    const enough = Math.ceil(hnswBuildBytes(rows[0]?.rows ?? 0, shape) / 1024);
    expect(enough).toBeGreaterThan(1024);
    const other = await openBackfill(
      {
        databaseUrl: backfill.config.settings.database.url,
        queueUrl: backfill.config.settings.queue,
        drop: async () => {},
      },
      model,
      {
        ...backfill.env,
        BACKFILL_INDEX_METHOD: 'auto',
        BACKFILL_INDEX_M: '100',
        BACKFILL_INDEX_EF_CONSTRUCTION: '200',
        BACKFILL_INDEX_MAINTENANCE_WORK_MEM: `${enough}kB`,
      },
    );
    const snapshot = await other.work();
    expect(snapshot).toMatchObject({
      state: 'ready',
      index: { name: NAME, valid: true, forecast: { type: 'halfvec' }, actual: { waitedSeconds: 0 } },
    });
    expect(snapshot.tableGrowth.actual?.stageBytes).toBeGreaterThan(0);
    await other.pool.end();
  });

  it('builds an IVFFlat index with lists by row count', async () => {
    const database = {
      databaseUrl: backfill.config.settings.database.url,
      queueUrl: backfill.config.settings.queue,
      drop: async () => {},
    };
    const options = { ...backfill.env, BACKFILL_INDEX_METHOD: 'ivfflat', BACKFILL_VERIFY_RECALL: '0' };
    const other = await openBackfill(database, model, options);
    expect(await other.work()).toMatchObject({
      state: 'ready',
      index: { name: 'articles_embedding_ivfflat_idx', method: 'ivfflat', valid: true },
    });
    await other.pool.end();
  });
});
