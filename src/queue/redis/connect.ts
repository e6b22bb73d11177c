/** Connections to Redis, alone, as a Cluster or behind Sentinels. */

import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import { ClusterClient } from './cluster.ts';
import { NO_DATABASE } from '../faults/queue-fault.ts';

/** Of all keys of an installation; the braces keep those of a queue in one slot of a Redis Cluster. */
export const keyPrefix = (installation: string): string => `{pgvector-backfill-${installation.slice(0, 8)}}`;

/**
 * redis://, rediss:// as usual; redis+cluster://host:port,host:port; redis+sentinel://host:port,host:port/master-name.
 * User and password stand before the first host; the password may hold ':' and '@' as it is.
 */
export function connectRedis(url: string, options: RedisOptions): Redis | Cluster {
  const match = /^(redis|rediss)\+(cluster|sentinel):\/\/(?:([^/]*)@)?([^/?]+)(?:\/([^?]*))?/.exec(url);
  if (match === null) return onItsDatabase(new Redis(url, options));
  const [, scheme, kind, credentials, hosts = '', path = ''] = match;
  const [username = '', password = ''] = (/^([^:]*):?(.*)$/.exec(credentials ?? '') ?? [])
    .slice(1)
    .map((part) => decodeURIComponent(part));
  const auth = { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
  const tls = scheme === 'rediss' ? { tls: {} } : {};
  const nodes = hosts.split(',').map((each) => {
    // An address of IPv6 has colons, and brackets around it.
    const [, six, name = '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(each) ?? [];
    const host = six ?? name;
    return { host, port: Number(port ?? (kind === 'sentinel' ? 26_379 : 6379)) };
  });
  if (kind === 'cluster') {
    const { retryStrategy, ...rest } = options;
    return new ClusterClient(nodes, {
      redisOptions: { ...auth, ...tls, ...rest },
      ...(retryStrategy === undefined ? {} : { clusterRetryStrategy: retryStrategy }),
    });
  }
  const { retryStrategy } = options;
  return new Redis({
    sentinels: nodes,
    name: path === '' ? 'mymaster' : path,
    ...auth,
    ...tls,
    ...options,
    // Of its own: without it the round of the Sentinels goes on for ever, also at the first contact.
    ...(retryStrategy == null ? {} : { sentinelRetryStrategy: retryStrategy }),
  });
}

/**
 * Where SELECT fails, the driver goes on with database 0, which may be another application's. A server that had the database
 * when we began may have been exchanged: nothing is sent to it, and it is tried again.
 */
function onItsDatabase(redis: Redis): Redis {
  redis.on('error', (error: Error) => {
    if (NO_DATABASE.test(error.message)) redis.disconnect(true);
  });
  return redis;
}
