/** A node of a Redis Cluster that is silent for a while: every role finds its queue again, and ends when it is told to. */

import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { silentLogger } from '../../../src/observability/logger.ts';
import { QUEUE_ROLES, openQueue, openWorker, type JobWorker } from '../../../src/queue/connection.ts';
import { queueOutage } from '../../../src/queue/faults/outage.ts';
import { keyPrefix } from '../../../src/queue/redis/connect.ts';
import { hasContainers } from '../../setup/databases.ts';
import { startRedisCluster } from '../../setup/redis-cluster.ts';
import { until } from '../../setup/until.ts';

/** Of the connection by which a worker waits for jobs. */
const statusOf = (worker: JobWorker): string =>
  (worker as unknown as { backend: { blockingConnection: { _client: { status: string } } } }).backend
    .blockingConnection._client.status;

it.runIf(hasContainers() && process.platform === 'linux')(
  'a node that was silent is found again by every role, those that only wait included',
  async () => {
    const cluster = await startRedisCluster();
    const address = {
      url: cluster.url,
      backfill: 'docs',
      installation: randomUUID(),
      logger: silentLogger,
      times: { waitMs: 300, callMs: 4000, farewellMs: 500, lockMs: 4000, stalledIntervalMs: 500 },
    };
    const done: string[] = [];
    const queues = QUEUE_ROLES.map((role) => openQueue(address, role));
    const workers = QUEUE_ROLES.map((role) =>
      openWorker(address, role, 1, (job) => Promise.resolve(void done.push(job.id ?? ''))),
    );
    const add = (when: string) =>
      Promise.all(
        queues.map(({ queue }, at) =>
          queue.add('embed', {} as never, { jobId: `${when}-${QUEUE_ROLES[at]}` }).catch(() => null),
        ),
      );
    await add('before');
    await until('each role has done a job', () => done.length === 3);
    await cluster.freeze(keyPrefix(address.installation));
    // BullMQ's own patience is over: it connects again, to a cluster that is down, and ioredis never says what came of that.
    for (const { worker } of workers)
      await until('the connection has been given up', () => /conn|end/.test(statusOf(worker)));
    await until('the cluster is down', () => cluster.isDown());
    await cluster.thaw();
    await until('each role does another one', async () => {
      await add('after');
      return QUEUE_ROLES.every((role) => done.includes(`after-${role}`));
    });
    await until('all is well again', () => queueOutage(address) === null);
    const started = performance.now();
    await Promise.all(workers.map((worker) => worker.close()));
    await Promise.all(queues.map((queue) => queue.close()));
    expect(performance.now() - started).toBeLessThan(4000);
    await cluster.stop();
  },
);
