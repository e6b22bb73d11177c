/** Jobs that are none of ours, on every backend: put aside with a note, never carried out, and in nobody's way. */

import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueue, queueName, type QueueRole } from '../../src/queue/connection.ts';
import { embedJobData, type JobData } from '../../src/queue/jobs/payloads.ts';
import { keyPrefix } from '../../src/queue/redis/connect.ts';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { backends, hasRedis, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

const model = sampleModel();
let backfill: TestBackfill;

async function fill(database: Parameters<typeof openBackfill>[0]): Promise<void> {
  backfill = await openBackfill(database, model, {
    BACKFILL_TABLE: 'docs',
    BACKFILL_TEXT: 'body',
    BACKFILL_BATCH_ROWS: '2',
  });
  await createDocs(backfill.pool, 6, `'bread dough ' || n`);
  await backfill.pool.query('CREATE TABLE canary AS SELECT 1 AS one');
}

async function withQueue<T>(
  role: QueueRole,
  work: (queue: ReturnType<typeof openQueue>['queue']) => Promise<T>,
): Promise<T> {
  const { settings, backfill: name } = backfill.config;
  const installation = await installationId(backfill.pool);
  const { queue, close } = openQueue(
    { url: settings.queue, backfill: name, installation, logger: silentLogger },
    role,
  );
  try {
    return await work(queue);
  } finally {
    await close();
  }
}

describe.each(backends())('jobs that are none of ours on $name', ({ create }) => {
  beforeEach(async () => fill(await create()));
  afterEach(() => backfill.close());

  it('forged, of another version or cut off: each is refused by its class, the others go on', async () => {
    const { pool, config } = backfill;
    await backfill.enqueue();
    const { uid } = await backfill.run();
    const good = embedJobData(uid, 1, null, null);
    const forged: unknown[] = [
      null,
      'DROP TABLE canary',
      [],
      {},
      { ...good, format: 2 },
      { ...good, format: '1' },
      { ...good, batch: 2_147_483_648 },
      { ...good, batch: 1.5 },
      { ...good, batch: '1; DROP TABLE canary' },
      { ...good, run: `${uid}' OR 'a' = 'a` },
      { ...good, sql: 'DROP TABLE canary' },
      { format: 1, run: uid },
      { format: 1, sync: 'yes' },
    ];
    const roles = ['embed', 'finalize', 'sync'] as const;
    for (const role of roles)
      await withQueue(role, async (queue) => {
        for (const data of forged) await queue.add(role, data as JobData, { attempts: 5 });
      });
    // Well-formed, but of no run, of no batch, or with bounds that the ledger has not given: nothing to do, or by the ledger.
    await withQueue('embed', async (queue) => {
      await queue.add('embed', embedJobData(randomUUID(), 1, null, null));
      await queue.add('embed', embedJobData(uid, 99, null, null));
      await queue.add('embed', embedJobData(uid, 1, '1); DROP TABLE canary; --', '9'));
    });
    const workers = await backfill.workers();
    const refused = async (): Promise<number> =>
      (await pool.query(`SELECT 1 FROM pgvector_backfill.event WHERE kind = 'job.refused'`)).rowCount ?? 0;
    await until('every forged job is refused', async () => (await refused()) >= forged.length * roles.length);
    expect(await untilSettled(pool, config.backfill)).toMatchObject({
      state: 'ready',
      rows: { embedded: 6 },
    });
    await workers.drain();
    for (const role of roles) {
      // Once each: no attempt can make them right.
      const failed = await withQueue(role, (queue) => queue.getJobCounts('failed', 'waiting', 'delayed'));
      expect([role, failed['failed']]).toEqual([role, forged.length]);
      const events = await pool.query(
        `SELECT DISTINCT level, detail ->> 'class' AS class FROM pgvector_backfill.event WHERE kind = 'job.refused' AND detail ->> 'queue' = $1`,
        [role],
      );
      expect(events.rows).toEqual([{ level: 'warn', class: 'payload' }]);
    }
    expect(await refused()).toBe(forged.length * roles.length);
    expect((await pool.query('SELECT one FROM canary')).rows).toEqual([{ one: 1 }]);
    const batches = await pool.query(`SELECT DISTINCT state, rows::int FROM pgvector_backfill.batch`);
    expect(batches.rows).toEqual([{ state: 'merged', rows: 2 }]);
  });
});

describe.runIf(hasRedis())('a Redis that others use too', () => {
  let redis: Redis;
  let key: (role: QueueRole, suffix: string) => string;
  beforeEach(async () => {
    const url = inject('redisUrl') ?? '';
    await fill(await realDatabase(url));
    redis = new Redis(url);
  });
  afterEach(async () => {
    const mine = await redis.keys(
      `${key('embed', '')
        .slice(0, 28)
        .replaceAll(/[[\]*?]/g, '\\$&')}*`,
    );
    if (mine.length > 0) await redis.del(...mine);
    redis.disconnect();
    await backfill.close();
  });
  const prepare = async (): Promise<void> => {
    await backfill.enqueue();
    const prefix = keyPrefix(await installationId(backfill.pool));
    key = (role, suffix) => `${prefix}:${queueName('docs', role)}:${suffix}`;
  };

  it('jobs that the server has evicted, all or in part, come back by themselves, and it is said once', async () => {
    await prepare();
    const [first = '', second = '', third = ''] = await redis.lrange(key('embed', 'wait'), 0, -1);
    // Of one its place is lost, of the others what is said of them; and the schedule of sync.
    await redis.lrem(key('embed', 'wait'), 1, first);
    await redis.del(key('embed', second), key('embed', third), key('sync', 'repeat:sync'));
    const { pool, config } = backfill;
    const workers = await backfill.workers(undefined, { reconcileMs: 200, scheduleMs: 200, passMs: 100 });
    expect(await untilSettled(pool, config.backfill)).toMatchObject({ rows: { embedded: 6 } });
    await pool.query(`UPDATE docs SET body = 'evening ' || body`);
    await until('what was edited is synced', async () => (await backfill.snapshot()).sync.pending === 0);
    await workers.drain();
    const told = await pool.query(
      `SELECT count(*)::int AS n FROM pgvector_backfill.event WHERE kind IN ('job.lost', 'job.refused') AND message LIKE '%embed%'`,
    );
    expect(told.rows).toEqual([{ n: 1 }]);
  });

  it('a job whose data was cut off in mid-word does not keep the worker from the others', async () => {
    await prepare();
    const [victim = ''] = await redis.lrange(key('embed', 'wait'), 0, -1);
    await redis.hset(key('embed', victim), 'data', '{"format":1,"run":"12');
    const { pool, config } = backfill;
    const workers = await backfill.workers();
    for (let refused = 0; refused === 0;)
      refused =
        (await pool.query(`SELECT 1 FROM pgvector_backfill.event WHERE kind = 'job.refused'`)).rowCount ?? 0;
    await until('two batches are merged', async () => (await backfill.snapshot()).batches.merged >= 2);
    // Its batch is where it was; the next enqueue puts a whole job in the place of the refused one.
    expect(await backfill.enqueue()).toMatchObject({ batches: 3, enqueued: 1, alreadyDone: 2 });
    expect(await untilSettled(pool, config.backfill)).toMatchObject({
      state: 'ready',
      rows: { embedded: 6 },
    });
    await workers.drain();
  });

  it("other people's keys are left alone, whatever they are called", async () => {
    const theirs = [`bull:docs-embed:wait:${randomUUID()}`, `docs-embed:${randomUUID()}`];
    for (const each of theirs) await redis.set(each, 'theirs');
    await prepare();
    expect(await backfill.work()).toMatchObject({ state: 'ready' });
    expect(await redis.mget(...theirs)).toEqual(['theirs', 'theirs']);
    await redis.del(...theirs);
  });

  it.each([
    ['embed', 'wait', 'string', 'list'],
    ['finalize', 'meta', 'string', 'hash'],
    ['sync', 'repeat', 'string', 'zset'],
  ] as const)(
    'of our own names, %s:%s is a %s: said by name, with the remedy',
    async (role, suffix, type, wanted) => {
      await prepare();
      await redis.del(key(role, suffix));
      await redis.set(key(role, suffix), 'theirs');
      for (const attempt of [() => backfill.enqueue(), () => backfill.workers()]) {
        const error: unknown = await attempt().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(ConfigError);
        expect(error).toMatchObject({
          code: 'QUEUE_KEY_TAKEN',
          remedy: expect.stringContaining('QUEUE_URL') as string,
        });
        expect((error as ConfigError).message).toContain(`is a ${type}, not the ${wanted}`);
        expect((error as ConfigError).message).toContain(key(role, suffix));
      }
      expect(await redis.get(key(role, suffix))).toBe('theirs');
      await redis.del(key(role, suffix));
      await backfill.enqueue();
      expect(await backfill.work()).toMatchObject({ state: 'ready' });
    },
  );
});
