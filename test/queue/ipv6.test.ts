/** Servers that are reached by IPv6 alone, by address and in lists of hosts. */

import { networkInterfaces } from 'node:os';
import type { Cluster, Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { reachQueue } from '../../src/queue/connection.ts';
import { connectRedis } from '../../src/queue/redis/connect.ts';
import { startRedisStub } from '../setup/redis-stub.ts';

const GIVEN_UP = { maxRetriesPerRequest: 1, retryStrategy: () => null };

/** Without waiting for an answer: nobody listens there. */
function opened(url: string): Redis | Cluster {
  const redis = connectRedis(url, { ...GIVEN_UP, lazyConnect: true });
  redis.on('error', () => {});
  redis.disconnect();
  return redis;
}

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === '::1'),
);

it.runIf(hasIpv6)('a Redis at [::1] is reached', async () => {
  const stub = await startRedisStub({ info: () => 'redis_version:8\r\n' }, '::1');
  await reachQueue(stub.url);
  await stub.close();
});

it('hosts of a cluster and of Sentinels may be addresses of IPv6', () => {
  const cluster = opened('redis+cluster://u:p@[::1]:7001,[fd00::2],name:7002');
  expect((cluster as unknown as { startupNodes: object[] }).startupNodes).toEqual([
    { host: '::1', port: 7001 },
    { host: 'fd00::2', port: 6379 },
    { host: 'name', port: 7002 },
  ]);
  const { options } = opened('redis+sentinel://[::1]:27001,[fd00::2]/mine') as Redis;
  expect(options.sentinels).toEqual([
    { host: '::1', port: 27_001 },
    { host: 'fd00::2', port: 26_379 },
  ]);
});

it('an address to listen on is taken with brackets and without', async () => {
  const env = { DATABASE_URL: 'postgres://u@[::1]/d', BACKFILL_TABLE: 't', BACKFILL_TEXT: 'a' };
  const { settings } = await loadConfig({
    flags: { host: '[::1]', 'metrics-host': '[::]' },
    env,
    cwd: '/',
  });
  expect([settings.dashboard.host, settings.metrics.host]).toEqual(['::1', '::']);
});
