/** The servers of a long life, each behind one address: PostgreSQL, and a Redis with a replica that can take its place. */

import { Redis } from 'ioredis';
import { startPostgres, startRedis, type StartedServer } from '../setup/containers.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';

export class LifeServers {
  readonly postgres: StartedServer;
  readonly postgresProxy: TestProxy;
  readonly redisProxy: TestProxy;
  readonly #redis: [StartedServer, StartedServer];

  private constructor(
    postgres: StartedServer,
    redis: [StartedServer, StartedServer],
    proxies: [TestProxy, TestProxy],
  ) {
    this.postgres = postgres;
    this.#redis = redis;
    [this.postgresProxy, this.redisProxy] = proxies;
  }

  static async start(): Promise<LifeServers> {
    const [postgres, ...redis] = await Promise.all([startPostgres(), startRedis(), startRedis()]);
    // The proxies ask for the address at each connection, and the primary changes.
    const servers = new LifeServers(postgres, redis, [
      await startProxy(() => postgres.url),
      await startProxy(() => redis[0].url),
    ]);
    await servers.followPrimary();
    return servers;
  }

  get primary(): StartedServer {
    return this.#redis[0];
  }

  /** Of the primary, not through the proxy. */
  async onRedis<T>(work: (redis: Redis) => Promise<T>, server = this.primary): Promise<T> {
    const redis = new Redis(server.url, { maxRetriesPerRequest: 3 });
    redis.on('error', () => {});
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** The other one copies the primary, and has all of it. */
  async followPrimary(): Promise<void> {
    const [primary, replica] = this.#redis;
    await this.onRedis(async (redis) => {
      await redis.replicaof(primary.inside.host, primary.inside.port);
      await until('the replica has caught up', async () =>
        (await redis.info('replication')).includes('master_link_status:up'),
      );
    }, replica);
  }

  /** New connections reach the new primary. Those that stand stay with the old one, which takes no writes any more. */
  async failOver(): Promise<void> {
    await this.followPrimary();
    const [old, next] = this.#redis;
    await this.onRedis((redis) => redis.replicaof('NO', 'ONE'), next);
    this.#redis.reverse();
    await this.onRedis((redis) => redis.replicaof(next.inside.host, next.inside.port), old);
  }

  async close(): Promise<void> {
    await Promise.all([this.postgresProxy.close(), this.redisProxy.close()]);
    await Promise.all([this.postgres, ...this.#redis].map((server) => server.stop()));
  }
}
