/** What an operator's own session does to a run: rows that it holds are skipped, and swept up once they are free. */

import { afterEach, describe, expect, inject, it } from 'vitest';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { unfinishedBatches } from '../../src/ledger/batch/batch.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueue } from '../../src/queue/connection.ts';
import { addEmbedJobs } from '../../src/queue/jobs/producer.ts';
import { createDocs } from '../setup/docs-table.ts';
import { holdAt, letGo, untilHeld } from '../setup/held-statements.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { startCommand } from '../setup/command.ts';
import { hasRedis, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { expectSynced, untilSynced } from '../setup/synced.ts';
import { until } from '../setup/until.ts';

const ROWS = 600;

describe.runIf(hasRedis())('in mid-run', { timeout: 120_000 }, () => {
  const model = sampleModel();
  let backfill: TestBackfill;
  afterEach(() => backfill.close());

  async function fill(options: Record<string, string>): Promise<void> {
    backfill = await openBackfill(await realDatabase(inject('redisUrl') ?? ''), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      ...REPEATED_TEXTS,
      BACKFILL_SYNC_EVERY_SECONDS: '1',
      BACKFILL_ATTEMPTS: '1',
      ...options,
    });
    await createDocs(backfill.pool, ROWS, `'bread dough ' || n`);
  }

  it.each(['trigger', 'sweep'])(
    'rows that an operator holds through all of it are done once they are free (%s)',
    async (mode) => {
      await fill({ BACKFILL_BATCH_ROWS: '100', BACKFILL_SYNC_MODE: mode, BACKFILL_SYNC_SWEEP_SECONDS: '1' });
      const { pool, config } = backfill;
      await backfill.enqueue();
      const holder = await pool.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM docs WHERE id BETWEEN 250 AND 349 FOR UPDATE');
      const workers = await backfill.workers();
      await until('every batch is merged', async () => (await backfill.merged()) >= ROWS / 100);
      // Every batch is closed, none has failed, and what was held is known.
      expect(await backfill.snapshot()).toMatchObject({ batches: { failed: 0, pending: 0, staged: 0 } });
      expect(await backfill.account()).toMatchObject({ embedded: ROWS - 100, missing: 100 });
      await holder.query('ROLLBACK');
      holder.release();
      await untilSynced(backfill);
      await until('no row is missing', async () => (await backfill.account()).missing === 0);
      expect(await untilSettled(pool, config.backfill)).toMatchObject({ state: 'ready' });
      await workers.drain();
      await expectSynced(backfill);
      expect(await backfill.account()).toMatchObject({ embedded: ROWS });
    },
  );

  it('a producer that is killed between plan and jobs: the next one adds what is missing, each once', async () => {
    await fill({ BACKFILL_BATCH_ROWS: '1', BACKFILL_SYNC_MODE: 'off' });
    const { pool, config, env } = backfill;
    // Held where it moves the run from planned to running: the plan is whole, no job is there yet.
    const holder = await holdAt(env, 'UPDATE OF state', 'pgvector_backfill.run');
    const first = startCommand('enqueue', [], env);
    await untilHeld(holder);
    first.child.kill('SIGKILL');
    await first.ended;
    await letGo(holder);
    // Its turn ends with its lease: what is left of that is not waited for here.
    const turn = await pool.query('UPDATE pgvector_backfill.turn SET leased_until = clock_timestamp()');
    expect(turn.rowCount).toBe(1);
    await pool.query('DROP FUNCTION held CASCADE');
    // As if it had come some way with the jobs, too.
    const run = await backfill.run();
    const address = {
      url: config.settings.queue,
      backfill: 'docs',
      installation: await installationId(pool),
      logger: silentLogger,
    };
    const { queue, close } = openQueue(address, 'embed');
    const some = await unfinishedBatches(pool, run.id, 0, 250);
    await addEmbedJobs(queue, run.uid, some, 1, true);
    expect(await backfill.enqueue()).toMatchObject({
      run: run.id,
      rows: ROWS,
      batches: ROWS,
      enqueued: ROWS - 250,
    });
    expect(await queue.getWaitingCount()).toBe(ROWS);
    await close();
    const plan = await pool.query(
      `SELECT count(*)::int AS batches, count(DISTINCT number)::int AS numbers, sum(rows)::int AS rows FROM pgvector_backfill.batch`,
    );
    expect(plan.rows).toEqual([{ batches: ROWS, numbers: ROWS, rows: ROWS }]);
  });
});
