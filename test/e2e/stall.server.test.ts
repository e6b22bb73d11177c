/** The ledger has work and nothing moves: what is in the way is told, and taken away where that can be done. */

import { afterEach, describe, expect, it } from 'vitest';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { unpauseRun } from '../../src/ledger/run/move-run.ts';
import { removeReport, saveReport } from '../../src/ledger/progress/worker-report.ts';
import { checkRunProgress } from '../../src/planning/checks/run-progress.ts';
import { pause, resume } from '../../src/planning/pause.ts';
import { QueueClock, queueNow } from '../../src/queue/clock/queue-clock.ts';
import { QUEUE_ROLES, openQueue, type JobQueue, type QueueAddress } from '../../src/queue/connection.ts';
import { jobsInLine, scheduleSync } from '../../src/queue/jobs/producer.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type { WorkerTimes } from '../../src/worker/times.ts';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { expectSynced } from '../setup/synced.ts';
import { until } from '../setup/until.ts';

const ROWS = 60;
const DAY_MS = 86_400_000;
/** A minute is this long here. */
const SOON: WorkerTimes = { reconcileMs: 100, stallMs: 500, stalledIntervalMs: 500, passMs: 100 };

const model = sampleModel();

// What a queue says of itself is tried on both (test/queue/probes/blockers.server.test.ts, clock.server.test.ts).
describe.each(databases())('where nothing moves, on $name', ({ create }) => {
  let backfill: TestBackfill;
  let database: TestDatabase;
  const opened: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of opened.splice(0)) await close();
    await backfill.close();
  });

  /** As anybody has them who knows their names. */
  async function queuesOf(clock?: QueueClock): Promise<Record<(typeof QUEUE_ROLES)[number], JobQueue>> {
    const installation = await installationId(backfill.pool);
    const address: QueueAddress = {
      url: database.queueUrl,
      backfill: 'docs',
      installation,
      logger: silentLogger,
      clock,
    };
    const of = (role: (typeof QUEUE_ROLES)[number]): JobQueue => {
      const { queue, close } = openQueue(address, role);
      opened.push(close);
      return queue;
    };
    return { embed: of('embed'), finalize: of('finalize'), sync: of('sync') };
  }

  async function planned(options: Record<string, string> = {}): Promise<void> {
    database = await create();
    backfill = await openBackfill(database, model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '10',
      ...REPEATED_TEXTS,
      ...options,
    });
    await createDocs(
      backfill.pool,
      ROWS,
      `(ARRAY['garden', 'winter', 'guitar'])[1 + n % 3] || ' bread ' || n`,
    );
    await backfill.enqueue();
  }

  const kinds = async (): Promise<string[]> =>
    (
      await backfill.pool.query<{ kind: string }>(
        `SELECT kind FROM pgvector_backfill.event WHERE level = 'warn' ORDER BY id`,
      )
    ).rows.map((row) => row.kind);

  it('a rate and a time left are not told where nothing moves; without a worker, that there is none', async () => {
    await planned();
    const merged = (ago: string): Promise<unknown> =>
      backfill.pool.query(
        `UPDATE pgvector_backfill.batch SET state = 'merged', eligible = 10, embedded = 10, attempts = 1,
                started_at = now() - interval '4 min', merged_at = now() - $1::interval WHERE number <= 2`,
        [ago],
      );
    await merged('1 s');
    expect(await backfill.snapshot()).toMatchObject({ stall: null, etaSeconds: expect.any(Number) });
    // What sync waits for does not hide the rate of batches that move.
    const late = { cause: 'jobs-not-taken', reason: 'sync', seconds: 70 } as const;
    await saveReport(backfill.pool, 'docs', 'host/1', { stall: late, clockAheadSeconds: 0 });
    expect(await backfill.snapshot()).toMatchObject({
      stall: { reason: 'sync' },
      etaSeconds: expect.any(Number),
    });
    await removeReport(backfill.pool, 'docs', 'host/1');
    // Batches that take minutes are waited for.
    await merged('100 s');
    expect((await backfill.snapshot()).etaSeconds).toEqual(expect.any(Number));
    await backfill.pool.query(
      `UPDATE pgvector_backfill.batch SET started_at = now() - interval '205 s', merged_at = now() - interval '200 s' WHERE number <= 2`,
    );
    const { stall, rowsPerSecond, etaSeconds } = await backfill.snapshot();
    expect([rowsPerSecond, etaSeconds]).toEqual([null, null]);
    expect(stall).toMatchObject({
      cause: 'no-worker',
      reason: expect.stringContaining('pgvector-backfill worker'),
    });
    expect(Math.round(stall?.seconds ?? 0)).toBe(200);
    await saveReport(backfill.pool, 'docs', 'host/1', { stall: null, clockAheadSeconds: 0 });
    expect(await backfill.snapshot()).toMatchObject({ stall: null, etaSeconds: null });
  });

  it('a queue that somebody has paused is told of, resumed by the verbs, and by workers after a while', async () => {
    await planned();
    const queues = await queuesOf();
    for (const queue of Object.values(queues)) await queue.pause();
    const status = await runCommand('status', [], backfill.env);
    for (const role of QUEUE_ROLES)
      expect(status.stdout).toContain(`the queue docs-${role} is paused by other hands`);
    const { pool } = backfill;
    const { settings } = backfill.config;
    const doctor = { pool, backfill: 'docs', settings, withQueue: true };
    expect((await checkRunProgress(doctor)).map(({ check }) => check)).toEqual(Array(3).fill('queue-paused'));
    const { mended } = await backfill.enqueue();
    expect(mended.length).toBe(3);
    for (const queue of Object.values(queues)) {
      expect(await queue.isPaused()).toBe(false);
      await queue.pause();
    }
    const run = await backfill.run();
    const input = { pool, settings, queues };
    expect((await resume(input, run)).mended.length).toBe(3);

    // A pause of the operator's is in the ledger: no worker looks further.
    await queues.embed.pause();
    await pause(pool, run, 'for the night');
    const workers = await backfill.workers(undefined, SOON);
    try {
      const looks = new Set<string>();
      await until('a worker has looked for longer than it waits', async () => {
        const found = await pool.query<{ at: string }>(
          `SELECT seen_at::text AS at FROM pgvector_backfill.worker`,
        );
        looks.add(found.rows[0]?.at ?? '');
        return looks.size > 7;
      });
      expect(await queues.embed.isPaused()).toBe(true);
      expect((await backfill.snapshot()).stall).toBeNull();
      await unpauseRun(pool, run.id);
      const { rowsPerSecond, etaSeconds } = await until('it is told', async () => {
        const snapshot = await backfill.snapshot();
        return snapshot.stall?.cause === 'queue-paused' && snapshot;
      });
      expect([rowsPerSecond, etaSeconds]).toEqual([null, null]);
      await until('it goes on', async () => (await backfill.merged()) === ROWS / 10);
    } finally {
      await workers.drain();
    }
    expect(await kinds()).toEqual(expect.arrayContaining(['stall.queue-paused', 'queue.mended']));
    // Whoever ends takes its report along.
    expect((await backfill.snapshot()).workers).toEqual([]);
  });

  it('a sync that is scheduled for tomorrow does not pass the gate, and is brought back', async () => {
    await planned({ BACKFILL_INDEX_COVERAGE: '0.5', BACKFILL_SYNC_EVERY_SECONDS: '1' });
    expect((await backfill.work()).state).toBe('ready');
    const { sync } = await queuesOf();
    const ahead = await queuesOf(new QueueClock(() => Date.now() + DAY_MS));
    const putOff = async (): Promise<void> => {
      await sync.removeJobScheduler('sync');
      await scheduleSync(ahead.sync, 1);
    };
    await putOff();
    await backfill.pool.query(`UPDATE docs SET body = 'edited ' || id WHERE id <= 5`);
    await backfill.pool.query(
      `UPDATE pgvector_backfill.sync SET drained_at = drained_at - interval '50 s'; UPDATE pgvector_backfill.change SET at = at - interval '50 s'`,
    );
    const { passed, checks } = await backfill.verify();
    expect(passed).toBe(false);
    expect(checks.filter((check) => !check.passed).map(({ name }) => name)).toEqual(['sync']);
    const { mended } = await backfill.enqueue();
    expect(mended.join()).toMatch(/the next sync was due in (1 d 0 h|23 h 59 min).*it is due now/);
    expect((await sync.getJobScheduler('sync'))?.next).toBeLessThan(queueNow(sync) + 10_000);

    // Behind its back, while a worker is up that looks at the schedule in a day only.
    const workers = await backfill.workers(undefined, { ...SOON, scheduleMs: DAY_MS });
    try {
      await until('what was edited is synced', async () => (await backfill.snapshot()).sync.pending === 0);
      await putOff();
      await until('that worker’s last one is done', async () => (await jobsInLine(sync)) === 0);
      await backfill.pool.query(`UPDATE docs SET body = 'again ' || id WHERE id <= 5`);
      await until('it is synced all the same', async () => (await backfill.snapshot()).sync.pending === 0);
    } finally {
      await workers.drain();
    }
    await expectSynced(backfill);
    expect(await kinds()).toContain('queue.mended');
  });
});
