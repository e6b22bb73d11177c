/**
 * Servers that die in the middle of a run and come back, with a worker up all the time: it waits, goes on, and burns
 * no attempt. Each test has servers of its own, behind a proxy that keeps their address.
 */

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocs } from '../setup/docs-table.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { startPostgres, startRedis, type StartedServer } from '../setup/containers.ts';
import { hasContainers, hasPostgres, onServer, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';
import { expectSynced } from '../setup/synced.ts';
import { until } from '../setup/until.ts';

/** Sixty batches: two thirds of them are open when the server is killed for the second time. */
const ROWS = 1200;
const BATCH_ROWS = 20;

const model = sampleModel();

async function fill(databaseUrl: string, queueUrl: string, drop: () => Promise<void>): Promise<TestBackfill> {
  const backfill = await openBackfill({ databaseUrl, queueUrl, drop }, model, {
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    ...REPEATED_TEXTS,
    BACKFILL_BATCH_ROWS: String(BATCH_ROWS),
    // The first attempt is the last: whatever burns one fails its batch.
    BACKFILL_ATTEMPTS: '1',
    BACKFILL_SYNC_EVERY_SECONDS: '1',
  });
  await createDocs(
    backfill.pool,
    ROWS,
    `(ARRAY['bread dough yeast', 'bicycle tyre puncture', 'kitten sleeps', 'mortgage interest'])[1 + n % 4] || ' ' || n`,
  );
  return backfill;
}

/** A server that is away answers nothing: asked until it does. */
const eventually = async <T>(ask: () => Promise<T>): Promise<T> =>
  (
    await until('the server answers', () =>
      ask().then(
        (answer) => ({ answer }),
        () => null,
      ),
    )
  ).answer;
const merged = (backfill: TestBackfill): Promise<number> => eventually(() => backfill.merged());
async function untilMerged(backfill: TestBackfill, least: number): Promise<void> {
  await until(`${least} batches are merged`, async () => (await merged(backfill)) >= least);
}

async function expectWhole(backfill: TestBackfill): Promise<void> {
  expect(await backfill.snapshot()).toMatchObject({
    state: 'ready',
    reason: '',
    rows: { eligible: ROWS, embedded: ROWS, quarantined: 0 },
    batches: { failed: 0, merged: ROWS / BATCH_ROWS },
    index: { valid: true },
  });
  expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS, missing: 0, stale: 0 });
  // Every vector against one that is computed again.
  await expectSynced(backfill);
  const failures = await backfill.pool.query(
    `SELECT kind, message FROM pgvector_backfill.event WHERE level = 'error'`,
  );
  expect(failures.rows).toEqual([]);
}

describe.runIf(hasContainers())('PostgreSQL killed in mid-run', { timeout: 240_000 }, () => {
  let server: StartedServer;
  let proxy: TestProxy;
  let redis: StartedServer;
  beforeAll(async () => {
    [server, redis] = await Promise.all([startPostgres(), startRedis()]);
    proxy = await startProxy(() => server.url);
  });
  afterAll(async () => {
    await proxy.close();
    await Promise.all([server.stop(), redis.stop()]);
  });

  it.each(['Redis', 'the same server'])('and started again, twice, with the queue on %s', async (queue) => {
    const name = `killed_${queue === 'Redis' ? 'redis' : 'alone'}`;
    await onServer(proxy.url, `CREATE DATABASE ${name}`);
    const database = new URL(proxy.url);
    database.pathname = `/${name}`;
    const backfill = await fill(database.href, queue === 'Redis' ? redis.url : database.href, () =>
      Promise.resolve(),
    );
    await backfill.enqueue();
    const workers = await backfill.workers();
    for (const share of [0.1, 0.3]) {
      await untilMerged(backfill, share * (ROWS / BATCH_ROWS));
      // SIGKILL: no shutdown, no checkpoint; what was committed comes back from the log.
      await server.kill();
      await server.restart();
    }
    await eventually(() => untilSettled(backfill.pool, backfill.config.backfill));
    await workers.drain();
    await expectWhole(backfill);
    await backfill.close();
  });
});

describe.runIf(hasContainers() && hasPostgres())('Redis in mid-run', { timeout: 240_000 }, () => {
  let redis: StartedServer;
  let proxy: TestProxy;
  beforeAll(async () => {
    redis = await startRedis();
    proxy = await startProxy(() => redis.url);
  });
  afterAll(async () => {
    await proxy.close();
    await redis.stop();
  });
  const open = async (): Promise<TestBackfill> => {
    const database = await realDatabase();
    return fill(database.databaseUrl, proxy.url, () => database.drop());
  };

  it('killed and started again: its log has the jobs, nobody has to do anything', async () => {
    const backfill = await open();
    await backfill.enqueue();
    const workers = await backfill.workers();
    for (const share of [0.1, 0.3]) {
      await untilMerged(backfill, share * (ROWS / BATCH_ROWS));
      await redis.kill();
      await redis.restart();
    }
    await untilSettled(backfill.pool, backfill.config.backfill);
    await workers.drain();
    await expectWhole(backfill);
    await backfill.close();
  });

  it('FLUSHALL under a worker that stays up: `enqueue` fills it again, what is merged stays merged', async () => {
    const backfill = await open();
    const first = await backfill.enqueue();
    const workers = await backfill.workers();
    await untilMerged(backfill, 10);
    const client = new Redis(redis.url);
    await client.flushall();
    const again = await backfill.enqueue();
    expect(again.run).toBe(first.run);
    expect(again.alreadyDone).toBeGreaterThanOrEqual(10);
    expect(again.enqueued).toBeLessThanOrEqual(first.batches - 10);
    expect(await untilSettled(backfill.pool, backfill.config.backfill)).toMatchObject({ state: 'ready' });
    await workers.drain();
    client.disconnect();
    await expectWhole(backfill);
    // Nothing was done twice for nothing: only what was in flight may have been staged a second time.
    const tokens = await backfill.pool.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM pgvector_backfill.batch WHERE token > 2',
    );
    expect(tokens.rows).toEqual([{ n: 0 }]);
    await backfill.close();
  });
});
