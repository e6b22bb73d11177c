/** What is due by the ledger and is not on the queue comes back by itself, whatever the queue still holds of it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { finalizeWhenDue } from '../../src/finalize/trigger.ts';
import { answerFinalizerCalls } from '../../src/ledger/run/finalizer-calls.ts';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { latestRun, type Run } from '../../src/ledger/run/run.ts';
import { moveRun, setRunReason } from '../../src/ledger/run/move-run.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { reconcile, type Reconciled } from '../../src/planning/reconcile.ts';
import {
  openQueue,
  openWorker,
  prepareQueue,
  type OpenQueue,
  type QueueRole,
  type QueueAddress,
} from '../../src/queue/connection.ts';
import { embedJobId, finalizeJobId } from '../../src/queue/jobs/payloads.ts';
import { addEmbedJobs } from '../../src/queue/jobs/producer.ts';
import { backends, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const BATCHES = [1, 2].map((number) => ({ number, lower: null, upper: null }));

describe.each(backends())('ledger and queue on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let config: Config;
  let address: QueueAddress;
  let run: Run;
  let embed: OpenQueue;
  let finalize: OpenQueue;

  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, 20) n`);
    await migrate(pool);
    const env = {
      DATABASE_URL: database.databaseUrl,
      QUEUE_URL: database.queueUrl,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '10',
    };
    config = await loadConfig({ flags: {}, env, cwd: '/' });
    ({ run } = await runAll(pool, config, hashEmbedder(), { index: false }));
    await prepareQueue(database.queueUrl);
    const installation = await installationId(pool);
    address = { url: database.queueUrl, backfill: 'docs', installation, logger: silentLogger };
    embed = openQueue(address, 'embed');
    finalize = openQueue(address, 'finalize');
  });
  afterEach(async () => {
    await embed.close();
    await finalize.close();
    await pool.end();
    await database.drop();
  });

  const look = (quietSeconds = 0): Promise<Reconciled> =>
    reconcile({
      pool,
      backfill: 'docs',
      settings: config.settings,
      queues: { embed: embed.queue, finalize: finalize.queue },
      quietSeconds,
    });
  const present = async (): Promise<Run> => (await latestRun(pool, 'docs')) as Run;
  const set = (sql: string): Promise<unknown> => pool.query(`UPDATE pgvector_backfill.${sql}`);

  /** A worker that takes whatever is there and says that it is done. */
  async function finishAll(role: QueueRole, { queue }: OpenQueue): Promise<void> {
    const worker = openWorker(address, role, 1, async () => ({}));
    await expect.poll(() => queue.getJobCountByTypes('waiting', 'active'), { timeout: 30_000 }).toBe(0);
    await worker.close();
  }

  it('a batch that a failover has opened again is put on the queue, which holds its job as completed', async () => {
    await addEmbedJobs(embed.queue, run.uid, BATCHES, 1, true);
    await finishAll('embed', embed);
    await set(`batch SET state = 'pending', started_at = NULL WHERE number = 2`);
    // As long as it was planned a moment ago, it may be on its way still.
    expect(await look(60)).toEqual({ batches: 0, finalizer: false });
    expect(await look()).toEqual({ batches: 1, finalizer: false });
    expect(await embed.queue.getJobState(embedJobId(run.uid, 2))).toBe('waiting');
    expect(await embed.queue.getJobState(embedJobId(run.uid, 1))).toBe('completed');
    expect(await look()).toEqual({ batches: 0, finalizer: false });
    // The whole queue is lost.
    await embed.queue.obliterate({ force: true });
    expect(await look()).toEqual({ batches: 1, finalizer: false });
    // One that has failed for good waits for the operator; a run that is paused, too.
    await embed.queue.obliterate({ force: true });
    await set(`batch SET state = 'failed' WHERE number = 2`);
    expect((await look()).batches).toBe(0);
    await set(`batch SET state = 'pending' WHERE number = 2`);
    await moveRun(pool, run.id, ['running'], 'paused', 'by hand');
    expect(await look()).toEqual({ batches: 0, finalizer: false });
  });

  it('a call of the finalizer that a job just ending swallows is answered by another job', async () => {
    const queue = finalize.queue;
    expect(await finalizeWhenDue(pool, config.settings, queue, run)).toBe(true);
    // It has looked, and found too few rows; the last batch calls before it has ended.
    const { finalizerCalls } = await present();
    expect(await finalizeWhenDue(pool, config.settings, queue, run)).toBe(false);
    await answerFinalizerCalls(pool, run.id, finalizerCalls);
    expect((await look()).finalizer).toBe(false);
    await finishAll('finalize', finalize);
    expect((await look()).finalizer).toBe(true);
    expect(await queue.getJobState(finalizeJobId(run.uid, 'last-batch'))).toBe('waiting');
    await finishAll('finalize', finalize);
    await answerFinalizerCalls(pool, run.id, (await present()).finalizerCalls);
    // Answered: what the ledger counts is told once, and no more as long as it stays so.
    expect((await look()).finalizer).toBe(true);
    await finishAll('finalize', finalize);
    await answerFinalizerCalls(pool, run.id, (await present()).finalizerCalls);
    expect((await look()).finalizer).toBe(false);
  });

  it('a finalizer that was lost in the middle is called again, one that has judged is not', async () => {
    await moveRun(pool, run.id, ['running'], 'finalizing', 'building the index');
    expect((await look()).finalizer).toBe(true);
    await finalize.queue.obliterate({ force: true });
    expect((await look()).finalizer).toBe(true);
    await finalize.queue.obliterate({ force: true });
    await moveRun(pool, run.id, ['finalizing'], 'verifying', '');
    expect((await look()).finalizer).toBe(true);
    await finalize.queue.obliterate({ force: true });
    await setRunReason(pool, run.id, 'verify did not pass: recall@10');
    expect((await look()).finalizer).toBe(false);
  });
});
