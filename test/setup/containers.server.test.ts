/** Servers that a test may kill: dead means dead, and what was committed is there again. */

import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startPostgres, startRedis } from './containers.ts';
import { hasContainers } from './databases.ts';
import { startProxy } from './proxy.ts';

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe.runIf(hasContainers())("a test's own servers", () => {
  it('PostgreSQL with its own settings: killed, it refuses; restarted, it has every committed row', async () => {
    const server = await startPostgres({ args: ['-c', 'max_connections=17'] });
    const proxy = await startProxy(() => server.url);
    expect(await ask(proxy.url, 'SHOW max_connections')).toEqual([{ max_connections: '17' }]);
    await ask(proxy.url, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n');
    await server.kill();
    await expect(ask(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await ask(proxy.url, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 1000 }]);
    await proxy.close();
    await server.stop();
  });

  it('Redis, set up as a queue needs it: killed and restarted, it has what it had', async () => {
    const server = await startRedis();
    const proxy = await startProxy(() => server.url);
    const redis = new Redis(proxy.url, { retryStrategy: () => 50 });
    redis.on('error', () => {});
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    await redis.set('kept', 'yes');
    await server.kill();
    // Asked while it is down, answered when it is back: the client finds it again through the proxy.
    const answer = redis.get('kept');
    await server.restart();
    expect(await answer).toBe('yes');
    redis.disconnect();
    await proxy.close();
    await server.stop();
  });
});
