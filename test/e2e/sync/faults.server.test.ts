/** Sync as processes: late commits, a worker that is killed, a Redis that forgets, and taking it all off again. */

import { afterEach, describe, expect, it } from 'vitest';
import { installationId } from '../../../src/ledger/backfill/installation.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { openQueue } from '../../../src/queue/connection.ts';
import { isSyncScheduled } from '../../../src/queue/jobs/producer.ts';
import { createDocs } from '../../setup/docs-table.ts';
import { openBackfill, untilSettled, type TestBackfill } from '../../setup/backfill.ts';
import { runCommand, startCommand } from '../../setup/command.ts';
import { backends, hasPostgres, realDatabase } from '../../setup/databases.ts';
import { sampleModel } from '../../setup/model.ts';
import { expectSynced, untilSynced } from '../../setup/synced.ts';
import { until } from '../../setup/until.ts';

const model = sampleModel();
let backfill: TestBackfill;
afterEach(() => backfill.close());

async function open(
  create: Parameters<typeof openBackfill>[0] | Promise<Parameters<typeof openBackfill>[0]>,
  rows: number,
  options: Record<string, string> = {},
): Promise<void> {
  backfill = await openBackfill(await create, model, {
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    BACKFILL_BATCH_ROWS: '20',
    BACKFILL_SYNC_EVERY_SECONDS: '1',
    ...options,
  });
  await createDocs(backfill.pool, rows, `'bread dough yeast ' || n`);
}

describe.runIf(hasPostgres())('sync under faults', () => {
  /** All batches are merged; a transaction that was open all the time then commits rows with lower keys than any planned. */
  async function withLateCommit(mode: string): Promise<void> {
    await open(realDatabase(), 100, { BACKFILL_SYNC_MODE: mode });
    const { pool } = backfill;
    await backfill.enqueue();
    const late = await pool.connect();
    await late.query('BEGIN');
    await late.query(`INSERT INTO docs SELECT -n, 'late guitar ' || n FROM generate_series(1, 60) n`);
    const embedding = await backfill.workers(['embed']);
    await until('every batch is merged', async () => (await backfill.snapshot()).batches.merged >= 5);
    await late.query('COMMIT');
    late.release();
    await embedding.drain();
    expect(await backfill.account()).toMatchObject({ embedded: 100, missing: 60 });
  }

  it.each([
    ['trigger', []],
    ['sweep', [{ detail: { found: 60 } }]],
    ['off', [{ detail: { found: 60 } }]],
  ])('finds what is committed behind the planner before it thinks of the index (%s)', async (mode, gaps) => {
    await withLateCommit(mode);
    const { pool, config } = backfill;
    // Coverage lacks what came late; the role that builds the index can do without the others here.
    const finalizing = await backfill.workers(['finalize']);
    expect(await untilSettled(pool, config.backfill)).toMatchObject({
      state: 'ready',
      rows: { eligible: 160, embedded: 160 },
      sync: { pending: 0 },
    });
    await finalizing.drain();
    await expectSynced(backfill);
    const events = await pool.query(`SELECT detail FROM pgvector_backfill.event WHERE kind = 'sync.gaps'`);
    expect(events.rows).toMatchObject(gaps);
  });

  it('a worker that is killed in a sync job: another one takes its changes up, none is lost', async () => {
    await open(realDatabase(), 100);
    const { pool, env } = backfill;
    await backfill.enqueue();
    await backfill.work();
    // Held at its merge by a lock on the table that lets the application's reads through, and then killed.
    await pool.query(`UPDATE docs SET body = body || ' again'`);
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE docs IN EXCLUSIVE MODE');
    const worker = startCommand('worker', ['--role', 'sync'], env);
    await until('the worker waits for the table', async () => {
      const found = await pool.query(
        `SELECT 1 FROM pg_locks WHERE relation = 'docs'::regclass AND NOT granted`,
      );
      return found.rowCount !== 0;
    });
    worker.child.kill('SIGKILL');
    await worker.ended;
    await holder.query('ROLLBACK');
    holder.release();
    expect(await backfill.snapshot()).toMatchObject({ sync: { mode: 'trigger', pending: 100 } });
    // As if its time had passed.
    await pool.query('UPDATE pgvector_backfill.sync SET leased_until = clock_timestamp()');
    const workers = await Promise.all([backfill.workers(['sync']), backfill.workers(['sync'])]);
    await untilSynced(backfill);
    await Promise.all(workers.map((each) => each.drain()));
    await expectSynced(backfill);
    // What had been staged was not embedded again.
    const counted = await pool.query('SELECT embedded::int FROM pgvector_backfill.sync');
    expect(counted.rows).toEqual([{ embedded: 100 }]);
  });
});

describe.each(backends())('complete --drop-sync on $name', ({ create }) => {
  it('prints first, then takes off triggers, function and scheduler, and workers leave it so', async () => {
    await open(create(), 20);
    const { pool, config, env } = backfill;
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ state: 'ready', sync: { mode: 'trigger', pending: 0 } });
    const left = async (): Promise<{
      triggers: number;
      functions: number;
      scheduled: boolean;
      mode: string;
    }> => {
      const counted = await pool.query<{ triggers: number; functions: number }>(
        `SELECT (SELECT count(*)::int FROM pg_trigger WHERE tgrelid = 'docs'::regclass) AS triggers,
                (SELECT count(*)::int FROM pg_proc WHERE pronamespace = 'pgvector_backfill'::regnamespace AND prorettype = 'trigger'::regtype) AS functions`,
      );
      const installation = await installationId(pool);
      const address = { url: config.settings.queue, backfill: 'docs', installation, logger: silentLogger };
      const { queue, close } = openQueue(address, 'sync');
      const scheduled = await isSyncScheduled(queue);
      await close();
      const { sync } = await backfill.snapshot();
      return { ...(counted.rows[0] ?? { triggers: -1, functions: -1 }), scheduled, mode: sync.mode };
    };
    const all = { triggers: 3, functions: 1, scheduled: true, mode: 'trigger' };
    expect(await left()).toEqual(all);
    await pool.query(`UPDATE docs SET body = 'winter tyres' WHERE id = 1`);
    const printed = await runCommand('complete', ['--drop-sync', '--json'], env);
    expect(printed).toMatchObject({ code: 0 });
    expect(printed.json()).toMatchObject({
      backfill: 'docs',
      executed: false,
      steps: [{ name: 'drop-sync' }],
    });
    expect(printed.stdout).toContain('DROP TRIGGER');
    expect(printed.stdout).toContain('1 captured changes are still to do');
    expect(await left()).toEqual(all);

    const done = await runCommand('complete', ['--drop-sync', '--execute'], env);
    expect(done.stdout).toContain('Done.');
    const none = { triggers: 0, functions: 0, scheduled: false, mode: 'off' };
    expect(await left()).toEqual(none);
    const workers = await backfill.workers(['sync']);
    await workers.drain();
    expect(await left()).toEqual(none);
    const events = await pool.query(
      `SELECT message FROM pgvector_backfill.event WHERE kind = 'sync.dropped'`,
    );
    expect(events.rowCount).toBe(1);
    const again = await runCommand('complete', ['--drop-sync', '--execute', '--json'], env);
    expect(again.json()).toMatchObject({ executed: true, steps: [{ actions: [] }] });
    expect(
      (await pool.query(`SELECT 1 FROM pgvector_backfill.event WHERE kind = 'sync.dropped'`)).rowCount,
    ).toBe(1);
    // The operator may put it back.
    await backfill.enqueue();
    expect(await left()).toEqual(all);
  });
});
