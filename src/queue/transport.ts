/** What carries the jobs of an address: connections to Redis, each queue's and worker's own, or one pool for all. */

import type { Cluster, Redis } from 'ioredis';
import type pg from 'pg';
import { QUEUE_ROLES, isPostgres, queueName, type QueueAddress } from './address.ts';
import { disconnect, rejectPending, type DisconnectableClient } from './redis/disconnect.ts';
import { NOT_PRIMARY } from './faults/queue-fault.ts';
import { createQueuePool, endQueuePool, resetQueuePool } from './postgres/backend.ts';
import { connectRedis, keyPrefix } from './redis/connect.ts';
import { connectionOf, reconnect } from './redis/reconnect.ts';
import { resetTimes } from './postgres/reset-times.ts';
import { postgresTime, redisTime } from './clock/server-time.ts';
import { SharedResource } from './shared-resource.ts';

/** Between two tries to reach a Redis that is away. */
const LONGEST_RECONNECT_MS = 2000;

/** Calls by the connection on which a worker waits for jobs. */
const WAITING: ReadonlySet<string> = new Set(['waitForJob', 'reconnectBlocking']);

export interface Transport {
  /** For BullMQ. */
  options: object;
  /** Of the server, ms since 1970: asked now. */
  time: () => Promise<number>;
  /** Takes back what lies in the future by mistake. @returns how many times that were */
  resetTimes: () => Promise<number>;
  /** Whether nothing can be said to the server now. */
  isAway: () => boolean;
  /** By which the backend makes such a call. */
  connectionOf: (backend: object, call: string) => unknown;
  /**
   * The next call has a new connection, as this one gets no answer by the one it has.
   * @param began connection by which the call was made: another call may have got a new one meanwhile
   * @returns false where the driver is about to make one by itself
   */
  renew: (backend: object, call: string, began: unknown) => boolean;
  /** No connection is made any more, those that BullMQ has made of ours included. */
  giveUp: () => void;
  close: () => void;
}

export function openTransport(address: QueueAddress, blocking: boolean): Transport {
  const traced = address.telemetry === undefined ? {} : { telemetry: address.telemetry };
  if (isPostgres(address.url)) {
    const { pool, close } = sharePool(address, blocking);
    const renew = (): boolean => {
      resetQueuePool(pool);
      return true;
    };
    const time = (): Promise<number> => postgresTime(pool);
    const queues = QUEUE_ROLES.map((role) => queueName(address.backfill, role));
    return {
      options: { connection: pool, ...traced },
      time,
      resetTimes: () => resetTimes(pool, queues),
      isAway: () => false,
      giveUp: () => {},
      connectionOf: () => pool,
      renew,
      close,
    };
  }
  let isGivenUp = false;
  const connect = (connectionName: string | null): Redis | Cluster => {
    const client = connectRedis(address.url, {
      // A worker waits through a restart of Redis for as long as it takes; a producer fails after some tries and says so.
      maxRetriesPerRequest: blocking ? null : 20,
      retryStrategy: (times) => (isGivenUp ? null : Math.min(times * 50, LONGEST_RECONNECT_MS)),
      // The address leads to another server by now. What was refused is asked again by whoever asked, after a pause.
      reconnectOnError: (error) => NOT_PRIMARY.test(error.message),
      ...(connectionName === null ? {} : { connectionName }),
    });
    client.on('error', () => {});
    client.on('end', () => rejectPending(client as unknown as DisconnectableClient));
    return client;
  };
  let connection = connect(null);
  const prefix = keyPrefix(address.installation);
  const giveUp = (): void => void (isGivenUp = true);
  return {
    options: { connection, prefix, ...traced },
    time: () => redisTime(connection, `${prefix}:time`),
    // Locks and looks of a Redis end by its own clock.
    resetTimes: () => Promise.resolve(0),
    isAway: () => connection.status !== 'ready',
    giveUp,
    connectionOf: (backend, call) => connectionOf(backend, WAITING.has(call)),
    renew: (backend, call, began) => {
      const waits = WAITING.has(call);
      if (isGivenUp || connectionOf(backend, waits) !== began) return true;
      const fresh = reconnect(backend, waits, connect);
      if (fresh !== null && !waits) connection = fresh;
      return fresh !== null;
    },
    close: () => {
      giveUp();
      disconnect(connection as unknown as DisconnectableClient);
    },
  };
}

/** One pool for all that is open of an address: a pool for each would be thirty connections of one worker process. */
const pools = new SharedResource(({ url }: QueueAddress) => createQueuePool(url), endQueuePool);

function sharePool(address: QueueAddress, listens: boolean): { pool: pg.Pool; close: () => void } {
  const { value: pool, release } = pools.take(address);
  let own = listens ? 1 : 0;
  pool.options.max += own;
  const close = (): void => {
    pool.options.max -= own;
    own = 0;
    release();
  };
  return { pool, close };
}
