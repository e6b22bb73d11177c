/** The one place that builds queues and workers. Nothing else knows whether Redis or PostgreSQL carries the jobs. */

import {
  Queue,
  createPostgresBackend,
  runMigrations,
  type Processor,
  type Telemetry,
  type Worker,
} from 'bullmq';
import pg from 'pg';
import { sessionSql } from '../db/session-settings.ts';
import { ConfigError, messageOf, withoutValues } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { JobData } from './jobs.ts';
import { connectRedis, keyPrefix } from './redis.ts';
import { TolerantWorker } from './tolerant-worker.ts';

export type QueueRole = 'embed' | 'finalize' | 'sync';
export const QUEUE_ROLES: readonly QueueRole[] = ['embed', 'finalize', 'sync'];
export type JobQueue = Queue<JobData, unknown>;
export type JobWorker = Worker<JobData, unknown>;

export interface QueueAddress {
  url: string;
  backfill: string;
  /** Id of the ledger's installation: keeps the keys of two databases on one Redis apart. */
  installation: string;
  logger: Logger;
  /** Traces, where they are exported. */
  telemetry?: Telemetry | undefined;
  times?: QueueTimes | undefined;
}

/** Of a worker; what is absent has its usual value. */
export interface QueueTimes {
  /** How long a job is one worker's without a word from it, ms. */
  lockMs?: number;
  /** Between two looks for jobs of workers that are gone, ms. */
  stalledIntervalMs?: number;
}

/** BullMQ's own schema on its PostgreSQL backend; its default, so that other tools find it. */
const QUEUE_SCHEMA = 'bullmq';

/** A lock is renewed at half its time. A statement that blocks the server for longer costs a second start, which finds the work done. */
const LOCK_MS = 30_000;
/** With the lock's time: how long the batches of a worker that was killed wait at most. */
const STALLED_INTERVAL_MS = 15_000;
/** A stalled batch is harmless (fencing token, idempotent merge), so it is taken up again rather than given up. */
const MOST_STALLS = 20;
/** Of all queues and workers of an address, side by side; each worker has one besides, for LISTEN. */
const QUEUE_CONNECTIONS = 5;
/** Tries before the first contact counts as failed; afterwards reconnection is endless. */
const FIRST_CONTACT_TRIES = 3;

export const isPostgres = (url: string): boolean => /^postgres(ql)?:/.test(url);

/** `articles` and `embed` → the queue's name as Bull Board shows it. */
export function queueName(backfill: string, role: QueueRole): string {
  return `${backfill}-${role}`;
}

/** Changes nothing. @throws ConfigError where the queue server does not answer. */
export function reachQueue(url: string): Promise<void> {
  return firstContact(url, () =>
    isPostgres(url) ? withQueueClient(url, (client) => client.query('SELECT 1')) : pingRedis(url),
  );
}

/** Brings BullMQ's PostgreSQL schema up to date; Redis needs nothing. @throws ConfigError as `reachQueue` does. */
export function prepareQueue(url: string): Promise<void> {
  return firstContact(url, () =>
    isPostgres(url) ? withQueueClient(url, (client) => runMigrations(client, QUEUE_SCHEMA)) : pingRedis(url),
  );
}

async function firstContact(url: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new ConfigError(
      `Cannot reach the queue server at ${describeQueue(url)}: ${messageOf(error).replace(/\.$/, '')}.`,
      {
        code: 'QUEUE_UNREACHABLE',
        remedy: 'Check the option queue (--queue, env QUEUE_URL, file key queue) and that the server runs.',
        cause: error,
      },
    );
  }
}

async function withQueueClient(
  url: string,
  work: (client: pg.PoolClient) => Promise<unknown>,
): Promise<void> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: 10_000,
    onConnect: prepareQueueClient,
  });
  try {
    const client = await pool.connect();
    try {
      await work(client);
    } finally {
      // Not used again: the migration leaves settings of its own on it.
      client.release(true);
    }
  } finally {
    await pool.end();
  }
}

async function pingRedis(url: string): Promise<void> {
  const redis = connectRedis(url, {
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => (times >= FIRST_CONTACT_TRIES ? null : 200),
  });
  let lastError: unknown;
  redis.on('error', (error) => (lastError = error));
  try {
    await redis.ping();
  } catch (error) {
    throw lastError ?? error;
  } finally {
    redis.disconnect();
  }
}

/** Warnings about how the server is set up; empty where all is well. Jobs that Redis evicts are lost until `enqueue`. */
export async function inspectQueue(url: string): Promise<string[]> {
  if (isPostgres(url)) return [];
  const redis = connectRedis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    const info = await redis.info('memory');
    const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1];
    const persistence = await redis.info('persistence');
    const warnings: string[] = [];
    if (policy !== undefined && policy !== 'noeviction')
      warnings.push(`Redis may evict jobs (maxmemory-policy ${policy}); set it to noeviction.`);
    if (!persistence.includes('aof_enabled:1'))
      warnings.push('Redis does not log to disk (appendonly no): after its crash run `enqueue` again.');
    return warnings;
  } finally {
    redis.disconnect();
  }
}

export interface OpenQueue {
  queue: JobQueue;
  close: () => Promise<void>;
}

export function openQueue(address: QueueAddress, role: QueueRole): OpenQueue {
  const name = queueName(address.backfill, role);
  const { options, close } = connect(address, false);
  const queue = isPostgres(address.url)
    ? new Queue(name, options as never, createPostgresBackend as never)
    : new Queue(name, options as never);
  queue.on('error', (error) =>
    address.logger.warn({ queue: name, err: messageOf(error) }, 'queue connection'),
  );
  return {
    queue,
    close: async () => {
      await queue.close();
      close();
    },
  };
}

export interface OpenWorker {
  worker: JobWorker;
  /** Takes no new job and waits for those in flight. */
  close: () => Promise<void>;
}

export function openWorker(
  address: QueueAddress,
  role: QueueRole,
  concurrency: number,
  processor: Processor<JobData, unknown>,
): OpenWorker {
  const name = queueName(address.backfill, role);
  const { options, close } = connect(address, true);
  const settings = {
    ...options,
    concurrency,
    lockDuration: address.times?.lockMs ?? LOCK_MS,
    stalledInterval: address.times?.stalledIntervalMs ?? STALLED_INTERVAL_MS,
    maxStalledCount: MOST_STALLS,
    autorun: true,
  };
  const worker = isPostgres(address.url)
    ? new TolerantWorker(name, safe(processor), settings as never, createPostgresBackend as never)
    : new TolerantWorker(name, safe(processor), settings as never);
  worker.on('error', (error) =>
    address.logger.warn({ queue: name, err: messageOf(error) }, 'queue connection'),
  );
  return {
    worker,
    close: async () => {
      await worker.close();
      close();
    },
  };
}

/** What the queue keeps of an error, words and stack, holds no values of rows, whoever threw it. */
const safe =
  (processor: Processor<JobData, unknown>): Processor<JobData, unknown> =>
  async (...given) => {
    try {
      return await processor(...given);
    } catch (error) {
      throw withoutValues(error);
    }
  };

function connect(address: QueueAddress, blocking: boolean): { options: object; close: () => void } {
  const traced = address.telemetry === undefined ? {} : { telemetry: address.telemetry };
  if (isPostgres(address.url)) {
    const { pool, close } = sharePool(address, blocking);
    return { options: { connection: pool, ...traced }, close };
  }
  // A worker waits through a restart of Redis for as long as it takes; a producer fails after some tries and says so.
  const connection = connectRedis(address.url, { maxRetriesPerRequest: blocking ? null : 20 });
  connection.on('error', () => {});
  const prefix = keyPrefix(address.installation);
  return { options: { connection, prefix, ...traced }, close: () => connection.disconnect() };
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
    void pool.end();
  };
  return { pool, close };
}

/**
 * A pool of our own rather than BullMQ's: one whose connections may be lost at any moment. A connection that breaks while
 * it is checked out and idle raises an error event that nobody hears, and that would end the process.
 * Keepalive, so that a silent loss of the LISTEN connection is noticed and the subscription made anew
 * (taskforcesh/bullmq#4729).
 */
function createQueuePool(url: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    options: `-c search_path=${QUEUE_SCHEMA}`,
    keepAlive: true,
    max: QUEUE_CONNECTIONS,
    onConnect: prepareQueueClient,
  });
  pool.on('error', () => {});
  // Each queue and worker of BullMQ's listens for the pool's errors, too.
  pool.setMaxListeners(0);
  return pool;
}

/** BullMQ's statements are short, its migration and the emptying of a queue take longer. */
const QUEUE_LIMITS = `SET statement_timeout = '10min'; SET lock_timeout = '1min'`;

/** Before anybody has it: a role's settings must not change what BullMQ's SQL means, nor end it. */
// The pool waits for what the hook returns, which its types do not say.
const prepareQueueClient = (async (client: pg.ClientBase): Promise<void> => {
  client.on('error', () => {});
  // Where the connection is lost already, its first query says so.
  await client.query(`${sessionSql()}; ${QUEUE_LIMITS}`).catch(() => {});
}) as (client: pg.ClientBase) => void;

/** Scheme, hosts and path of a queue URL, never its credentials: what follows '?' may hold some too. */
export function describeQueue(url: string): string {
  const [, scheme = '', rest = ''] = /^([^:]+:\/\/)([^?#]*)/.exec(url) ?? [];
  return scheme + rest.slice(rest.lastIndexOf('@') + 1);
}
