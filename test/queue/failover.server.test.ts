/** Redis servers that fail over, refuse every write, or fall silent: workers go on by themselves, once each, and the log stays short. */

import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Logger } from '../../src/observability/logger.ts';
import { openQueue, openWorker, type QueueAddress, type QueueTimes } from '../../src/queue/connection.ts';
import { queueOutage } from '../../src/queue/faults/outage.ts';
import { startRedis, type StartedServer } from '../setup/containers.ts';
import { hasContainers } from '../setup/databases.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';

const JOBS = 60;

describe.runIf(hasContainers())('a Redis behind an address that moves', () => {
  let servers: [StartedServer, StartedServer];
  let admins: [Redis, Redis];
  let proxy: TestProxy;
  let primary = 0;

  beforeAll(async () => {
    servers = await Promise.all([startRedis({ direct: true }), startRedis({ direct: true })]);
    admins = servers.map(({ url }) => new Redis(url)) as typeof admins;
    proxy = await startProxy(() => servers[primary]?.url ?? '');
    await admins[1].replicaof(servers[0].inside.host, servers[0].inside.port);
    await until('the replica follows', async () =>
      (await admins[1].info('replication')).includes('master_link_status:up'),
    );
  });
  afterAll(async () => {
    for (const admin of admins) admin.disconnect();
    await proxy.close();
    await Promise.all(servers.map((server) => server.stop()));
  });

  /** A worker half through its jobs, then what `happen` does to it. */
  async function work(
    happen: (address: QueueAddress, add: () => Promise<unknown>) => Promise<unknown>,
    more: QueueTimes = {},
  ): Promise<{ done: string[]; lines: string[] }> {
    const lines: string[] = [];
    const keep = (facts: object, message: string): void =>
      void lines.push(`${message} ${JSON.stringify(facts)}`);
    const logger = { warn: keep, info: keep, error: keep } as unknown as Logger;
    const times = { callMs: 1000, waitMs: 500, farewellMs: 500, stalledIntervalMs: 300, ...more };
    const address = { url: proxy.url, backfill: 'docs', installation: randomUUID(), logger, times };
    const { queue, close } = openQueue(address, 'embed');
    const done: string[] = [];
    const worker = openWorker(address, 'embed', 2, (job) => {
      done.push(job.id ?? '');
      return new Promise((resolve) => setImmediate(resolve));
    });
    await worker.worker.waitUntilReady();
    await queue.addBulk(
      Array.from({ length: JOBS }, (_, at) => ({
        name: 'embed',
        data: {} as never,
        opts: { jobId: `job-${at}` },
      })),
    );
    await until('some jobs are done', () => done.length > 3);
    const add = () => queue.add('embed', {} as never, { jobId: 'late' });
    await happen(address, add);
    // The queue's own connection meets the same.
    await until('a job can be added', () => add().catch(() => null));
    await until(
      'every job is done, and said to be',
      async () => (await queue.getJobCountByTypes('completed')) > JOBS,
    );
    expect(await queue.getJobCountByTypes('failed', 'active', 'waiting')).toBe(0);
    await until('all is well again', () => queueOutage(address) === null);
    await worker.close();
    await close();
    return { done, lines };
  }

  it('that refuses every write is asked less and less often, named once, and told of what was done', async () => {
    const { done, lines } = await work(async (address, add) => {
      await admins[0].config('SET', 'min-replicas-to-write', '9');
      await until('it is known what is waited for', () => queueOutage(address));
      expect(queueOutage(address)).toMatchObject({
        kind: 'few-replicas',
        queue: 'docs-embed',
        remedy: expect.stringContaining('min-replicas-to-write') as string,
      });
      await expect(add()).rejects.toMatchObject({
        code: 'QUEUE_REFUSES',
        message: expect.stringContaining('NOREPLICAS') as string,
      });
      const before = queueOutage(address)?.times ?? 0;
      await until('it is refused again', () => (queueOutage(address)?.times ?? 0) > before + 2);
      await admins[0].config('SET', 'min-replicas-to-write', '0');
    });
    expect(new Set(done).size).toBe(done.length);
    expect(lines.filter((line) => line.includes('"cause":"few-replicas"'))).toHaveLength(2);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/too few replicas.*"queueName":"docs-embed"/);
    expect(lines[1]).toContain('there again');
  });

  it('whose connections get no answer any more is reached by new ones', async () => {
    // What was taken by them, unknown to the worker, is active until its lock has run out.
    await work(async () => proxy.strand(), { lockMs: 2000 });
  });

  it('that is a replica by now is left for the one behind the address', async () => {
    const { lines } = await work(
      async () => {
        primary = 1;
        await admins[1].replicaof('NO', 'ONE');
        await admins[0].replicaof(servers[1].inside.host, servers[1].inside.port);
      },
      // What the failover lost is active on the other server, until its lock has run out.
      { lockMs: 2000 },
    );
    expect(lines.length).toBeLessThan(5);
    expect(lines.join('\n')).toContain('READONLY');
  });
});
