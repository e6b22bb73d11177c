/** Connections to Redis, alone, as a Cluster or behind Sentinels. */

import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { messageOf } from '../errors.ts';

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
    const [host = '', port] = each.split(':');
    return { host, port: Number(port ?? (kind === 'sentinel' ? 26_379 : 6379)) };
  });
  if (kind === 'cluster') {
    const { retryStrategy, ...rest } = options;
    return new Cluster(nodes, {
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

/** As Redis says that a number is beyond its databases, or that it has only one. */
const NO_DATABASE = /DB index|SELECT is not allowed|unknown command ['`]?select/i;

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

/** What BullMQ's commands and scripts take, as tried with Redis 8. */
const ACL =
  'ACL SETUSER name on >password ~{pgvector-backfill-* +@read +@write +@blocking +@scripting +@connection +info';

/** Of a server that answers, and refuses; null where it is not reached. */
export function redisFault(error: unknown): { why: string; remedy: string | null } | null {
  const message = messageOf(error).replace(/\.$/, '');
  if (NO_DATABASE.test(message))
    return {
      why: `it has no database of that number (${message})`,
      remedy:
        'Correct the number at the end of the option queue (--queue, env QUEUE_URL, file key queue); many managed servers have database 0 alone.',
    };
  if (/\bNOPERM\b/.test(message))
    return {
      why: `its user lacks a right that BullMQ needs (${message})`,
      remedy: `Give the rights: ${ACL}`,
    };
  if (/\bREADONLY\b/.test(message))
    return { why: 'it is a replica, which takes no writes', remedy: 'Name its primary, or its Sentinels.' };
  return null;
}
