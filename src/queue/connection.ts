/** The one place that builds queues and workers. Nothing else knows whether Redis or PostgreSQL carries the jobs. */

import { Queue, type Processor, type Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type pg from 'pg';
import { assertOwnSchema } from '../db/own-schema.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { asciiText } from '../db/utf8-text.ts';
import { BackfillError, messageOf, withoutValues } from '../errors.ts';
import { QUEUE_SCHEMA, isPostgres, queueName, type QueueAddress, type QueueRole } from './address.ts';
import { isServerAlive } from './probes/liveness.ts';
import { CallGuard, QueueError, type GuardOptions } from './faults/call-guard.ts';
import { withServerClock, setQueueClock } from './clock/queue-clock.ts';
import { assertServerKind } from './redis/server-kind.ts';
import type { JobData } from './jobs/payloads.ts';
import { WorkerLoop } from './worker-loop.ts';
import { LostJobs } from './jobs/lost-jobs.ts';
import { shareOutage } from './faults/outage.ts';
import { assertQueueSession, createQueueBackend, createQueuePool, migrateQueue } from './postgres/backend.ts';
import { connectRedis } from './redis/connect.ts';
import { unusableQueue } from './faults/command-refused.ts';
import { TolerantWorker } from './tolerant-worker.ts';
import { openTransport, type Transport } from './transport.ts';

export { QUEUE_ROLES, queueName, type QueueAddress, type QueueRole, type QueueTimes } from './address.ts';
export type JobQueue = Queue<JobData, unknown>;
export type JobWorker = Worker<JobData, unknown>;

/** A lock is renewed at half its time. A statement that blocks the server for longer costs a second start, which finds the work done. */
const LOCK_MS = 30_000;
/** With the lock's time: how long the batches of a worker that was killed wait at most. */
const STALLED_INTERVAL_MS = 15_000;
/** A stalled batch is harmless (fencing token, idempotent merge), so it is taken up again rather than given up. */
const MAX_STALLS = 20;
/** BullMQ's own; a job that comes meanwhile ends the wait. */
const WAIT_MS = 5000;
/** A command that Redis has not answered by then has met a server that is silent, or is lost. */
const REDIS_CALL_MS = 15_000;
/** The same; a statement may wait for locks, and the emptying of a queue takes its time. */
const POSTGRES_CALL_MS = 600_000;
/** A server that is there, busy or not, has answered by then. */
const FAREWELL_MS = 3000;
/** After a refused connection, besides the pause that grows: BullMQ's own, which no signal ends. */
const RETRY_MS = 1000;
/** Tries before the first contact counts as failed; afterwards reconnection is endless. */
const FIRST_CONTACT_TRIES = 3;

/** Changes nothing. @throws ConfigError where the queue server does not answer, or not as BullMQ needs it. */
export function reachQueue(url: string): Promise<void> {
  return firstContact(url, () =>
    isPostgres(url) ? withQueueClient(url, () => Promise.resolve()) : pingRedis(url),
  );
}

/** Brings BullMQ's PostgreSQL schema up to date; Redis needs nothing. @throws ConfigError as `reachQueue` does. */
export function prepareQueue(url: string): Promise<void> {
  return firstContact(url, () => (isPostgres(url) ? withQueueClient(url, migrateQueue) : pingRedis(url)));
}

export async function firstContact(url: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof BackfillError && !(error instanceof QueueError)) throw error;
    // It answers, and is told as what it is.
    if (hasSqlState(error, SQLSTATE.readOnly)) throw error;
    throw unusableQueue(url, error);
  }
}

async function withQueueClient(
  url: string,
  work: (client: pg.PoolClient) => Promise<unknown>,
): Promise<void> {
  await assertQueueSession(url);
  // The very pool that queues and workers have.
  const pool = createQueuePool(url);
  try {
    const client = await pool.connect();
    try {
      await assertOwnSchema(client, QUEUE_SCHEMA, null);
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
    // Where that fails, the driver goes on with database 0, which may be somebody else's.
    const { db = 0 } = redis.options as { db?: number };
    if (db !== 0) await redis.select(db);
    if (redis instanceof Redis) await assertServerKind(redis, url);
  } catch (error) {
    // Behind the first try the driver knows no more than that it has given up.
    throw lastError instanceof Error && !messageOf(error).startsWith('ERR') ? lastError : error;
  } finally {
    redis.disconnect();
  }
}

const installations = new WeakMap<JobQueue, string>();

/** Whose jobs are put on this queue. */
export const installationOf = (queue: JobQueue): string | undefined => installations.get(queue);

export interface OpenQueue {
  queue: JobQueue;
  /** Of the server, ms since 1970: asked now. */
  time: Transport['time'];
  resetTimes: Transport['resetTimes'];
  close: () => Promise<void>;
}

export function openQueue(address: QueueAddress, role: QueueRole): OpenQueue {
  const name = queueName(address.backfill, role);
  const transport = openTransport(address, false);
  const { options } = transport;
  const queue = isPostgres(address.url)
    ? new Queue(name, options as never, createQueueBackend as never)
    : new Queue(name, options as never);
  setQueueClock(queue, address.clock);
  if (address.installation !== '') installations.set(queue, address.installation);
  const { outage, release } = shareOutage(address);
  const guard = new CallGuard({ ...callsOf(address, name), outage, transport });
  const held = queue as unknown as { backend: object };
  held.backend = guard.guardQueue(held.backend);
  queue.on('error', (error) => outage.saw(name, error));
  return {
    queue,
    time: () => transport.time(),
    resetTimes: () => transport.resetTimes(),
    close: async () => {
      guard.end();
      await queue.close();
      transport.close();
      release();
    },
  };
}

/** All of ours. */
export const openQueues = (address: QueueAddress): Record<QueueRole, OpenQueue> => ({
  embed: openQueue(address, 'embed'),
  finalize: openQueue(address, 'finalize'),
  sync: openQueue(address, 'sync'),
});

export interface OpenWorker {
  worker: JobWorker;
  /** What only another start of the process would mend; null where there is nothing. */
  fault: () => Promise<string | null>;
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
  const transport = openTransport(address, true);
  const loop = new WorkerLoop(name, () => isServerAlive(address.url, address.installation, name), {
    stuckMs: address.times?.stuckMs,
  });
  const { outage, release } = shareOutage(address);
  const settings = {
    ...transport.options,
    loop,
    guard: new CallGuard({ ...callsOf(address, name), outage, transport }),
    concurrency,
    lockDuration: address.times?.lockMs ?? LOCK_MS,
    stalledInterval: address.times?.stalledIntervalMs ?? STALLED_INTERVAL_MS,
    maxStalledCount: MAX_STALLS,
    runRetryDelay: RETRY_MS,
    drainDelay: (address.times?.waitMs ?? WAIT_MS) / 1000,
    autorun: true,
  };
  const counted = loop.counting(processor);
  // No values of rows, whoever threw it.
  const worker = withServerClock(address.clock, () =>
    isPostgres(address.url)
      ? new TolerantWorker(
          name,
          keeping(counted, (error) => inPlainWords(withoutValues(error))),
          settings as never,
          createQueueBackend as never,
        )
      : new TolerantWorker(name, keeping(counted, withoutValues), settings as never),
  );
  const lost = new LostJobs(address.logger, name);
  worker.on('error', (error) => void (lost.saw(error) || outage.saw(name, error)));
  worker.transport = transport;
  worker.farewellMs = address.times?.farewellMs ?? FAREWELL_MS;
  return {
    worker,
    fault: () => loop.fault(),
    close: async () => {
      loop.close();
      await worker.close();
      transport.close();
      release();
    },
  };
}

const callsOf = ({ url, times }: QueueAddress, name: string): Omit<GuardOptions, 'outage' | 'transport'> => ({
  name,
  url,
  limitMs: times?.callMs ?? (isPostgres(url) ? POSTGRES_CALL_MS : REDIS_CALL_MS),
});

/** What the queue keeps of an error, words and stack, is what `kept` makes of it. */
// BullMQ counts the parameters: one that takes none gets no signal.
const keeping =
  (processor: Processor<JobData, unknown>, kept: (error: unknown) => unknown): Processor<JobData, unknown> =>
  async (job, token, signal) => {
    try {
      return await processor(job, token, signal);
    } catch (error) {
      throw kept(error);
    }
  };

/**
 * A queue in PostgreSQL keeps the message of what fails, in a database of any encoding: one that cannot hold it would refuse
 * the very statement that marks the job as failed.
 */
function inPlainWords(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  error.message = asciiText(error.message);
  if (error.stack !== undefined) error.stack = asciiText(error.stack);
  return error;
}
