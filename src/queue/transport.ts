/** What carries the jobs of an address: connections to Redis, each queue's and worker's own, or one pool for all. */

import type pg from 'pg';
import { QUEUE_ROLES, isPostgres, queueName } from './address.ts';
import type { QueueAddress } from './connection.ts';
import { cut, rejectKept, type CutClient } from './cut.ts';
import { createQueuePool, endQueuePool } from './postgres.ts';
import { connectRedis, keyPrefix } from './redis.ts';
import { resetTimes } from './reset-times.ts';
import { postgresTime, redisTime } from './server-time.ts';

/** Between two tries to reach a Redis that is away. */
const LONGEST_RECONNECT_MS = 2000;

export interface Transport {
  /** For BullMQ. */
  options: object;
  /** Of the server, ms since 1970: asked now. */
  time(): Promise<number>;
  /** Takes back what lies in the future by mistake. @returns how many times that were */
  resetTimes(): Promise<number>;
  /** Whether nothing can be said to the server now. */
  isAway(): boolean;
  /** No connection is made any more, those that BullMQ has made of ours included. */
  giveUp(): void;
  close(): void;
}

export function openTransport(address: QueueAddress, blocking: boolean): Transport {
  const traced = address.telemetry === undefined ? {} : { telemetry: address.telemetry };
  if (isPostgres(address.url)) {
    const { pool, close } = sharePool(address, blocking);
    const time = (): Promise<number> => postgresTime(pool);
    const queues = QUEUE_ROLES.map((role) => queueName(address.backfill, role));
    return {
      options: { connection: pool, ...traced },
      time,
      resetTimes: () => resetTimes(pool, queues),
      isAway: () => false,
      giveUp: () => {},
      close,
    };
  }
  let isGivenUp = false;
  // A worker waits through a restart of Redis for as long as it takes; a producer fails after some tries and says so.
  const connection = connectRedis(address.url, {
    maxRetriesPerRequest: blocking ? null : 20,
    retryStrategy: (times) => (isGivenUp ? null : Math.min(times * 50, LONGEST_RECONNECT_MS)),
  });
  const client = connection as unknown as CutClient;
  connection.on('error', () => {});
  connection.on('end', () => rejectKept(client));
  const prefix = keyPrefix(address.installation);
  const giveUp = (): void => void (isGivenUp = true);
  return {
    options: { connection, prefix, ...traced },
    time: () => redisTime(connection, `${prefix}:time`),
    // Locks and looks of a Redis end by its own clock.
    resetTimes: () => Promise.resolve(0),
    isAway: () => connection.status !== 'ready',
    giveUp,
    close: () => {
      giveUp();
      cut(client);
    },
  };
}

/** One pool for all that is open of an address: a pool for each would be thirty connections of one worker process. */
const pools = new WeakMap<QueueAddress, { pool: pg.Pool; users: number }>();

function sharePool(address: QueueAddress, listens: boolean): { pool: pg.Pool; close: () => void } {
  const shared = pools.get(address) ?? { pool: createQueuePool(address.url), users: 0 };
  pools.set(address, shared);
  const { pool } = shared;
  const own = listens ? 1 : 0;
  pool.options.max += own;
  shared.users++;
  let isOpen = true;
  const close = (): void => {
    // Closing twice is no fault of anybody's.
    if (!isOpen) return;
    isOpen = false;
    pool.options.max -= own;
    shared.users--;
    if (shared.users > 0) return;
    pools.delete(address);
    endQueuePool(pool);
  };
  return { pool, close };
}
