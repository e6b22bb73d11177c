/** Faults on purpose, on real servers. The measure after each: every row accounted for, and the same vectors as undisturbed. */

import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { createDocs } from '../setup/docs-table.ts';
import {
  REPEATED_TEXTS,
  TO_BE_KILLED,
  openBackfill,
  untilSettled,
  type TestBackfill,
} from '../setup/backfill.ts';
import { startCommand, startVerb } from '../setup/command.ts';
import { hasPostgres, hasRedis, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { inject } from 'vitest';
import { until } from '../setup/until.ts';

/** Forty batches: what is killed or cut has most of them before it. */
const BATCHES = 40;
const BATCH_ROWS = 25;
const ROWS = BATCHES * BATCH_ROWS;

const model = sampleModel();

async function filled(redisUrl?: string, options: Record<string, string> = {}): Promise<TestBackfill> {
  const backfill = await openBackfill(await realDatabase(redisUrl), model, {
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    ...REPEATED_TEXTS,
    BACKFILL_BATCH_ROWS: String(BATCH_ROWS),
    BACKFILL_LOG_LEVEL: 'info',
    ...options,
  });
  await createDocs(
    backfill.pool,
    ROWS,
    `(ARRAY['bread dough yeast', 'bicycle tyre puncture', 'kitten sleeps', 'mortgage interest', 'guitar strings'])[1 + n % 5] || ' ' || (ARRAY['morning', 'winter', 'garden', 'phone', 'doctor', 'engine', 'rain'])[1 + n % 7] || ' ' || (n % 11)`,
  );
  return backfill;
}

async function expectWhole(backfill: TestBackfill, digest?: string): Promise<void> {
  expect(await backfill.account()).toEqual({
    eligible: ROWS,
    embedded: ROWS,
    skipped: 0,
    quarantined: 0,
    stale: 0,
    missing: 0,
    truncated: 0,
    adopted: 0,
    passages: 0,
  });
  expect(await backfill.snapshot()).toMatchObject({
    state: 'ready',
    rows: { eligible: ROWS, embedded: ROWS },
    index: { valid: true },
  });
  if (digest !== undefined) expect(await backfill.vectorDigest()).toBe(digest);
}

describe.runIf(hasPostgres())('faults', () => {
  let digest: string;
  beforeAll(async () => {
    const undisturbed = await filled();
    await undisturbed.enqueue();
    await undisturbed.work();
    await expectWhole(undisturbed);
    digest = await undisturbed.vectorDigest();
    await undisturbed.close();
  });

  it.runIf(hasRedis())(
    'a worker killed in mid-run, twice: another one ends up with the same table',
    async () => {
      const backfill = await filled(inject('redisUrl') ?? undefined);
      await backfill.enqueue();
      for (let kill = 1; kill <= 2; kill++) {
        const worker = startCommand('worker', [], backfill.env, { times: TO_BE_KILLED });
        await worker.waitFor(/batch merged/);
        worker.child.kill('SIGKILL');
        await worker.ended;
      }
      expect((await backfill.snapshot()).state).toBe('running');
      expect(await backfill.enqueue()).toMatchObject({ enqueued: 0 });
      await backfill.work();
      await expectWhole(backfill, digest);
      await backfill.close();
    },
    180_000,
  );

  it('SIGTERM drains: batches in flight are merged, nothing is left half-done', async () => {
    const backfill = await filled();
    await backfill.enqueue();
    const worker = startCommand('worker', ['--json'], backfill.env);
    await worker.waitFor(/batch merged/);
    worker.child.kill('SIGTERM');
    const { code, json } = await worker.ended;
    expect(code).toBe(0);
    expect(json()).toMatchObject({ drained: true });
    const { batches } = await backfill.snapshot();
    expect(batches.staged).toBe(0);
    const claimed = await backfill.pool.query(
      `SELECT count(*)::int AS n FROM pgvector_backfill.batch WHERE token > 0 AND state <> 'merged'`,
    );
    expect(claimed.rows).toEqual([{ n: 0 }]);
    await backfill.work();
    await expectWhole(backfill, digest);
    await backfill.close();
  });

  it.runIf(hasRedis())(
    'a Redis that lost everything is filled again from the ledger; merged batches stay merged',
    async () => {
      const backfill = await filled(inject('redisUrl') ?? undefined);
      const first = await backfill.enqueue();
      const worker = startVerb('worker', [], backfill.env);
      await worker.waitFor(/batch merged/);
      worker.interrupt();
      await worker.ended;
      const redis = new Redis(inject('redisUrl') ?? '');
      const prefix = `{pgvector-backfill-${(await installationId(backfill.pool)).slice(0, 8)}}`;
      const keys = await redis.keys(`${prefix.replaceAll(/[[\]*?]/g, '\\$&')}*`);
      expect(keys.length).toBeGreaterThan(0);
      await redis.del(...keys);
      redis.disconnect();
      const { merged } = (await backfill.snapshot()).batches;
      const again = await backfill.enqueue();
      expect(again).toMatchObject({
        run: first.run,
        batches: first.batches,
        alreadyDone: merged,
        enqueued: first.batches - merged,
      });
      await backfill.work();
      await expectWhole(backfill, digest);
      await backfill.close();
    },
  );

  it('every database connection cut in mid-run, LISTEN connections included: the run goes on by itself', async () => {
    const backfill = await filled();
    await backfill.enqueue();
    const workers = await backfill.workers();
    for (let cuts = 0; cuts < 3; cuts++) {
      await until(`${5 * (cuts + 1)} batches are merged`, async () => {
        const merged = await backfill.merged().catch(() => 0);
        return merged >= 5 * (cuts + 1);
      });
      await cutConnections(backfill);
    }
    await untilSettled(backfill.pool, backfill.config.backfill).catch(() =>
      untilSettled(backfill.pool, backfill.config.backfill),
    );
    await workers.drain();
    await expectWhole(backfill, digest);
    await backfill.close();
  }, 120_000);

  it('a LISTEN that was cut while the queue was empty does not keep later jobs waiting', async () => {
    // Without capture: the rows that come later are to be jobs of a run.
    const backfill = await filled(undefined, { BACKFILL_SYNC_MODE: 'off' });
    await backfill.pool.query('CREATE TABLE parked AS SELECT * FROM docs');
    await backfill.pool.query('TRUNCATE docs');
    await backfill.enqueue();
    const workers = await backfill.workers();
    await untilSettled(backfill.pool, backfill.config.backfill);
    await cutConnections(backfill);
    await backfill.pool
      .query('INSERT INTO docs SELECT * FROM parked')
      .catch(() => backfill.pool.query('INSERT INTO docs SELECT * FROM parked'));
    expect((await backfill.enqueue()).enqueued).toBe(BATCHES);
    await untilSettled(backfill.pool, backfill.config.backfill);
    await workers.drain();
    await expectWhole(backfill, digest);
    await backfill.close();
  }, 120_000);
});

/** All connections to the test's database but the one that says so. */
async function cutConnections(backfill: TestBackfill): Promise<void> {
  await backfill.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
}
