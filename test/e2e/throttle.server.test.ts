/** A run gives way to the database: held, stopped, tuned, and going on by itself. */

import { afterEach, describe, expect, it } from 'vitest';
import type { WorkerProcess } from '../../src/worker/process.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { resume } from '../../src/planning/pause.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import type { ProgressSnapshot } from '../../src/ledger/progress/snapshot.ts';
import { FakeServer, fine } from '../embedding/endpoint/fake-server.ts';
import { createDocs } from '../setup/docs-table.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { backends, hasPostgres, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { until as untilHolds } from '../setup/until.ts';

const ROWS = 300;

const model = sampleModel();

let backfill: TestBackfill;
afterEach(() => backfill.close());

async function open(
  database: Parameters<typeof openBackfill>[0],
  options: Record<string, string>,
): Promise<void> {
  backfill = await openBackfill(database, model, {
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    ...REPEATED_TEXTS,
    BACKFILL_BATCH_ROWS: '20',
    BACKFILL_THROTTLE_CHECK_SECONDS: '0.1',
    ...options,
  });
  await createDocs(
    backfill.pool,
    ROWS,
    `'bread ' || (ARRAY['garden', 'winter', 'guitar'])[1 + n % 3] || ' ' || n % 17`,
  );
}

const work = (): Promise<WorkerProcess> => backfill.workers();

const until = (done: (snapshot: ProgressSnapshot) => boolean): Promise<ProgressSnapshot> =>
  untilHolds(`the run is at: ${done.toString()}`, async () => {
    const snapshot = await backfill.snapshot();
    return done(snapshot) && snapshot;
  });

async function events(): Promise<string[]> {
  const { rows } = await backfill.pool.query<{ kind: string }>(
    `SELECT kind FROM pgvector_backfill.event WHERE kind ~ '^(throttle.(hold|go|stop)|run.(paused|resumed))$' ORDER BY id`,
  );
  return rows.map(({ kind }) => kind);
}

/** So many looks of the workers from now. */
async function looks(count: number): Promise<void> {
  for (let last = '', seen = -1; seen < count;) {
    const found = await backfill.pool.query<{ at: string }>(
      `UPDATE pgvector_backfill.throttle SET checked_at = NULL WHERE checked_at IS NOT NULL RETURNING clock_timestamp()::text AS at`,
    );
    const at = found.rows[0]?.at ?? last;
    if (at !== last) seen++;
    last = at;
  }
}

describe.each(backends())('the throttle on $name', ({ create }) => {
  it("holds by the operator's check and goes on by itself; a run that it stops waits for the operator", async () => {
    await open(await create(), {
      BACKFILL_THROTTLE_SQL: 'SELECT level FROM load',
      BACKFILL_THROTTLE_SQL_VALUE: '1:10',
    });
    const { pool } = backfill;
    await pool.query('CREATE TABLE load AS SELECT 1 AS level');
    await backfill.enqueue();
    const worker = await work();
    const held = await until(({ throttle }) => throttle.state === 'hold');
    expect(held).toMatchObject({
      throttle: { reason: "throttle.sql's value 1 (holds at 1)" },
      batches: { merged: 0 },
    });
    expect(held.throttle.signals.find(({ name }) => name === 'sqlValue')).toEqual({
      name: 'sqlValue',
      value: 1,
      unit: 'number',
      hold: 1,
      stop: 10,
      state: 'hold',
    });
    await looks(3);
    expect(await backfill.snapshot()).toMatchObject({ rows: { embedded: 0 }, batches: { merged: 0 } });

    // Worse: the run stops, and stays so.
    await pool.query('UPDATE load SET level = 10');
    const stopped = await until(({ state }) => state === 'paused');
    expect(stopped.reason).toBe(
      "stopped by the throttle: throttle.sql's value 10 (stops at 10). See to the cause, then run `pgvector-backfill resume`.",
    );
    await until(({ throttle }) => throttle.state === 'stopped');
    await pool.query('UPDATE load SET level = 1');
    const address = await prepareQueues(backfill.config, pool, silentLogger);
    await withQueues(address, async (queues) =>
      resume({ pool, settings: backfill.config.settings, queues }, await backfill.run()),
    );
    await until(({ throttle }) => throttle.state === 'hold');
    await pool.query('UPDATE load SET level = 0');
    expect(await untilSettled(pool, backfill.config.backfill)).toMatchObject({
      state: 'ready',
      throttle: { state: 'go', reason: '' },
    });
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
    expect(await events()).toEqual([
      'throttle.hold',
      'run.paused',
      'throttle.stop',
      'run.resumed',
      'throttle.hold',
      'throttle.go',
    ]);
    expect((await backfill.snapshot()).longestStatementMs).toBeGreaterThan(0);
    await worker.drain();
  });

  it('a worker that is shut down while it is held gives its batches back at once', async () => {
    await open(await create(), { BACKFILL_THROTTLE_SQL: 'SELECT level FROM load' });
    await backfill.pool.query('CREATE TABLE load AS SELECT 1 AS level');
    await backfill.enqueue();
    const first = await work();
    await until(({ throttle }) => throttle.state === 'hold');
    await looks(1);
    expect(await first.drain()).toBe(true);
    await backfill.pool.query('UPDATE load SET level = 0');
    const second = await work();
    expect(await untilSettled(backfill.pool, backfill.config.backfill)).toMatchObject({ state: 'ready' });
    await second.drain();
    const { rows } = await backfill.pool.query('SELECT DISTINCT attempts FROM pgvector_backfill.batch');
    expect(rows).toEqual([{ attempts: 1 }]);
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
  });
});

describe.runIf(hasPostgres())('tune', () => {
  it('is taken up by a worker in mid-run, without a restart', async () => {
    const server = await FakeServer.start();
    await open(await realDatabase(), {
      BACKFILL_MODEL_ENDPOINT: `${server.origin}/v1`,
      BACKFILL_MODEL_NAME: 'remote',
      BACKFILL_CONCURRENCY: '1',
      // A quarter of an hour, were it not for what follows.
      BACKFILL_THROTTLE_ROWS_PER_SECOND: '0.3',
    });
    await backfill.enqueue();
    const held: (() => void)[] = [];
    server.behave((asked, response, nth) => {
      if (asked.texts.length === 1) fine(asked, response, nth);
      else held.push(() => fine(asked, response, nth));
    });
    const worker = await work();
    while (held.length < 1) await server.arrival();
    const tuned = await runCommand(
      'tune',
      [
        '--merge-rows',
        '7',
        '--concurrency',
        '3',
        '--rows-per-second',
        'off',
        '--threshold',
        'lockWaiters=9:90',
        '--json',
      ],
      backfill.env,
    );
    expect({ code: tuned.code, json: tuned.json() }).toEqual({
      code: 0,
      json: {
        backfill: 'docs',
        generation: 1,
        tuned: {
          mergeRows: 7,
          concurrency: 3,
          rowsPerSecond: null,
          thresholds: { lockWaiters: { hold: 9, stop: 90 } },
        },
        changes: [
          { name: 'mergeRows', old: 1000, new: 7 },
          { name: 'concurrency', old: 1, new: 3 },
          { name: 'rowsPerSecond', old: 0.3, new: null },
          { name: 'lockWaiters', old: { hold: 5, stop: null }, new: { hold: 9, stop: 90 } },
        ],
      },
    });
    held.shift()?.();
    while (held.length < 3) await server.arrival();
    server.behave(fine);
    for (const letGo of held) letGo();
    const settled = await untilSettled(backfill.pool, backfill.config.backfill);
    expect(settled).toMatchObject({ state: 'ready', tuned: { mergeRows: 7, concurrency: 3 } });
    expect(settled.throttle.signals.find(({ name }) => name === 'lockWaiters')).toMatchObject({
      hold: 9,
      stop: 90,
    });
    await worker.drain();

    const status = await runCommand('status', [], backfill.env);
    expect(status.stdout).toMatch(/^load {5}nothing holds.*; longest merge statement \d+ ms$/m);
    expect(status.stdout).toContain(
      'tuned    mergeRows 7, concurrency 3, rowsPerSecond off, lockWaiters 9:90\n',
    );
    const reset = await runCommand('tune', ['--reset'], backfill.env);
    expect(reset.stdout).toContain('mergeRows: 7 → 1000\n');
    expect(reset.stdout).toContain('lockWaiters: holds at 9, stops at 90 → holds at 5\n');
    expect((await runCommand('tune', [], backfill.env)).stdout).toBe('Nothing is tuned.\n');
    expect((await backfill.snapshot()).tuned).toEqual({});
    await server.close();
  });
});
