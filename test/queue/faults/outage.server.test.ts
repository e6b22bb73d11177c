/** Queue servers that are there and do not do what BullMQ needs: nothing spins, each is said once, and a signal ends it. */

import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { silentLogger, type Logger } from '../../../src/observability/logger.ts';
import { openQueue, openWorker, prepareQueue, reachQueue } from '../../../src/queue/connection.ts';
import { pauseMs } from '../../../src/queue/faults/call-guard.ts';
import { dropRole, hasPostgres, hasRedis, onServer, realDatabase } from '../../setup/databases.ts';
import { hasPgBouncer, startPgBouncer } from '../../setup/pgbouncer.ts';
import { startProxy, type TestProxy } from '../../setup/proxy.ts';
import { until } from '../../setup/until.ts';

/** Keeps what is logged. */
function listeningLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const keep = (facts: { err?: string }, message: string): void =>
    void lines.push(`${message} ${facts.err ?? ''}`);
  const logger = { trace: keep, debug: keep, info: keep, warn: keep, error: keep, child: () => logger };
  return { logger: logger as unknown as Logger, lines };
}

const addressOf = (url: string, logger: Logger) => ({
  url,
  backfill: 'docs',
  installation: '',
  logger,
  times: { stalledIntervalMs: 300 },
});

it('waits longer from look to look, and never no time', () => {
  const waits = Array.from({ length: 20 }, (_, at) => pauseMs(at + 1));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(125);
  expect(Math.max(...waits.slice(0, 2))).toBeLessThanOrEqual(500);
  expect(Math.max(...waits)).toBeLessThanOrEqual(15_000);
  expect(Math.max(...waits)).toBeGreaterThan(7000);
});

describe.runIf(hasPostgres())('a PostgreSQL queue that refuses connections', () => {
  it('is waited for without spinning, goes on once it takes them, and ends when told to', async () => {
    const { databaseUrl } = await realDatabase();
    await prepareQueue(databaseUrl);
    const role = `limited_${randomBytes(4).toString('hex')}`;
    await onServer(
      databaseUrl,
      `CREATE ROLE ${role} LOGIN PASSWORD 'limited' CONNECTION LIMIT 1;
       GRANT USAGE ON SCHEMA bullmq TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA bullmq TO ${role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA bullmq TO ${role}`,
    );
    const url = new URL(databaseUrl);
    url.username = role;
    url.password = 'limited';
    const holder = new pg.Client({ connectionString: url.href });
    await holder.connect();
    const { logger, lines } = listeningLogger();
    const done: unknown[] = [];
    const address = addressOf(url.href, logger);
    const open = () => openWorker(address, 'embed', 1, (job) => Promise.resolve(void done.push(job.id)));
    const ended = open();
    const before = process.cpuUsage();
    await until('the refusal is said', () => lines.some((line) => line.includes('too many connections')));
    const started = performance.now();
    await ended.close();
    expect(performance.now() - started).toBeLessThan(2000);
    const { user } = process.cpuUsage(before);
    expect(user / 1000).toBeLessThan(1000);
    expect(lines).toHaveLength(1);

    const worker = open();
    await until('the refusal is said again', () => lines.length > 1);
    await holder.end();
    await onServer(databaseUrl, `ALTER ROLE ${role} CONNECTION LIMIT -1`);
    const { queue, close } = openQueue(addressOf(databaseUrl, logger), 'embed');
    await queue.add('embed', {} as never, { jobId: 'one' });
    await until('the job is done', () => done.includes('one'));
    await until('it is said to be there again', () => lines.at(-1)?.includes('there again'));
    expect(lines.filter((line) => line.includes('too many connections'))).toHaveLength(2);
    await worker.close();
    await close();
    await dropRole(databaseUrl, role);
  });

  it('takes options of the URL, and its own schema beside them', async () => {
    const { databaseUrl } = await realDatabase();
    const url = `${databaseUrl}?options=-c%20statement_timeout%3D0%20-c%20search_path%3Dpublic`;
    await prepareQueue(url);
    const { queue, close } = openQueue(addressOf(url, listeningLogger().logger), 'embed');
    await queue.add('embed', {} as never, { jobId: 'one' });
    expect(await queue.getJobState('one')).toBe('waiting');
    await close();
  });

  it('made ready by an administrator, needs no right to make schemas', async () => {
    const { databaseUrl } = await realDatabase(undefined, { bare: true });
    const role = `limited_${randomBytes(4).toString('hex')}`;
    await onServer(
      databaseUrl,
      `CREATE ROLE ${role} LOGIN PASSWORD 'limited'; CREATE SCHEMA bullmq AUTHORIZATION ${role}`,
    );
    const url = new URL(databaseUrl);
    url.username = role;
    url.password = 'limited';
    await prepareQueue(url.href);
    await dropRole(databaseUrl, role);
  });
});

/** What the network does to a worker before it is told to end. */
const NETWORKS: Record<string, (proxy: TestProxy, ready: () => Promise<unknown>) => Promise<unknown>> = {
  'there from the first moment': async () => {},
  'never there': async (proxy) => {
    proxy.cut();
    await until('it is tried again', () => proxy.refused > 1);
  },
  'silent from the beginning': async (proxy) => proxy.hold(),
  away: async (proxy, ready) => {
    await ready();
    proxy.cut();
    await until('it is tried again', () => proxy.refused > 1);
  },
  silent: async (proxy, ready) => {
    await ready();
    proxy.hold();
  },
  'back, and silent': async (proxy, ready) => {
    await ready();
    proxy.cut();
    await until('it is tried again', () => proxy.refused > 1);
    proxy.hold();
  },
};

describe.each([
  ['Redis', hasRedis(), () => Promise.resolve(inject('redisUrl') ?? '')],
  ['PostgreSQL', hasPostgres(), async () => (await realDatabase()).databaseUrl],
])('a worker with its queue in %s', (_name, isThere, queueUrl) => {
  it.runIf(isThere)('ends soon after it is told to, whatever state its connections are in', async () => {
    const target = await queueUrl();
    const took = await Promise.all(
      Object.entries(NETWORKS).flatMap(([network, happen]) =>
        // Each several times: which state a connection is in at a moment is a matter of chance.
        [1, 2, 3].map(async () => {
          const proxy = await startProxy(() => target);
          const { logger, lines } = listeningLogger();
          const address = {
            ...addressOf(proxy.url, logger),
            installation: randomUUID(),
            times: { farewellMs: 300 },
          };
          const { queue, close } = openQueue(address, 'embed');
          const worker = openWorker(address, 'embed', 1, () => Promise.resolve());
          await happen(proxy, () => worker.worker.waitUntilReady());
          const waits = queue.getJobCounts().catch(() => {});
          const started = performance.now();
          await worker.close();
          await close();
          const ms = performance.now() - started;
          // Once each for what the network says, however often it does.
          expect(new Set(lines).size).toBe(lines.length);
          await waits;
          await proxy.close();
          return { network, ms };
        }),
      ),
    );
    expect(took.filter(({ ms }) => ms > 3000)).toEqual([]);
  });
});

it.runIf(hasPostgres())('a worker that is closed as it begins leaves no connection behind', async () => {
  const { databaseUrl } = await realDatabase();
  const address = addressOf(databaseUrl, silentLogger);
  const queue = openQueue(address, 'embed');
  const { worker, close } = openWorker(address, 'embed', 1, () => Promise.resolve());
  await close();
  // As BullMQ does itself, where its first contact comes behind the end.
  await worker.waitUntilReady().catch(() => {});
  await queue.close();
  const looker = new pg.Client({ connectionString: databaseUrl });
  await looker.connect();
  await until('no connection is left', async () => {
    const { rows } = await looker.query<{ others: number }>(
      'SELECT count(*)::int AS others FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    return rows[0]?.others === 0;
  });
  await looker.end();
});

describe.runIf(hasPgBouncer())('a PostgreSQL queue behind PgBouncer', () => {
  it('works in session mode, and is refused in transaction mode before anything is done', async () => {
    const { databaseUrl } = await realDatabase(undefined, { bare: true });
    const session = await startPgBouncer(databaseUrl, 'session', 12);
    const transaction = await startPgBouncer(databaseUrl, 'transaction');
    try {
      for (const contact of [reachQueue, prepareQueue])
        await expect(contact(transaction.url)).rejects.toMatchObject({
          code: 'QUEUE_NEEDS_SESSION',
          remedy: expect.stringContaining('QUEUE_URL') as string,
        });
      await expect(onServer(databaseUrl, 'SELECT 1 FROM bullmq.migration')).rejects.toMatchObject({
        code: '42P01',
      });
      await prepareQueue(session.url);
      const { logger, lines } = listeningLogger();
      const done: unknown[] = [];
      const address = addressOf(session.url, logger);
      const { queue, close } = openQueue(address, 'embed');
      const worker = openWorker(address, 'embed', 1, (job) => Promise.resolve(void done.push(job.id)));
      await queue.add('embed', {} as never, { jobId: 'one' });
      await until('the job is done', () => done.includes('one'));
      await worker.close();
      await close();
      expect(lines).toEqual([]);
    } finally {
      await session.close();
      await transaction.close();
    }
  });
});
