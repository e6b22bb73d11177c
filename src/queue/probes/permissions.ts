/** A job put on a queue, taken and taken away again: rights that BullMQ needs and this user lacks are found by nothing less. */

import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError } from '../../errors.ts';
import { silentLogger } from '../../observability/logger.ts';
import { describeQueue, isPostgres } from '../address.ts';
import { firstContact, openQueue, openWorker } from '../connection.ts';
import { queueRights, type QueueRights } from '../postgres/backend.ts';
import { connectRedis, keyPrefix } from '../redis/connect.ts';

/** Of a server that is busy. */
const LONGEST_MS = 30_000;

/**
 * Of a server that answers (`reachQueue`).
 * @param installation of the ledger, where there is one: a user's rights may end at its keys, and these are in the slot of its.
 * @throws ConfigError where it does not do what workers ask of it
 */
export async function checkQueuePermissions(url: string, installation: string = randomUUID()): Promise<void> {
  if (isPostgres(url) && !(await hasSchema(url))) return;
  await firstContact(url, () => oneJob(url, installation));
}

async function oneJob(url: string, installation: string): Promise<void> {
  // A name that no backfill has: whoever else uses the server sees nothing of it.
  const address = {
    url,
    backfill: `doctor/${randomBytes(6).toString('hex')}`,
    installation,
    logger: silentLogger,
    // Its note that somebody has looked for stalled jobs is a key that goes by itself after this time.
    times: { stalledIntervalMs: 1000 },
  };
  const { queue, close: closeQueue } = openQueue(address, 'embed');
  let isDone = (): void => {};
  const done = new Promise<void>((resolve) => (isDone = resolve));
  const { worker, close: closeWorker } = openWorker(address, 'embed', 1, () => Promise.resolve(isDone()));
  const over = new AbortController();
  const failed = new Promise<never>((_, reject) => {
    queue.on('error', reject);
    worker.on('error', reject);
    worker.on('failed', (_job, error) => reject(error));
  });
  const late = delay(LONGEST_MS, null, { signal: over.signal }).then(() => {
    throw new Error(`a job that was put on it had not come out after ${LONGEST_MS / 1000} s`);
  });
  // First the worker finds nothing: how it waits for a job takes rights of its own.
  const waits = new Promise<void>((resolve) => worker.once('drained', resolve));
  try {
    const work = waits.then(() => queue.add('try', null as never, { attempts: 1 })).then(() => done);
    await Promise.race([work, failed, late]);
  } finally {
    over.abort();
    await closeWorker().catch(() => {});
    await queue.obliterate({ force: true }).catch(() => {});
    await closeQueue().catch(() => {});
    if (!isPostgres(url)) await forget(url, `${keyPrefix(address.installation)}:${queue.name}:meta`);
  }
}

/** BullMQ takes a queue away by a script, which this user may not run. */
async function forget(url: string, key: string): Promise<void> {
  const redis = connectRedis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => {});
  await redis.del(key).catch(() => {});
  redis.disconnect();
}

/** False where `enqueue` makes it. @throws ConfigError where this user may not, or may add no job */
async function hasSchema(url: string): Promise<boolean> {
  let found: QueueRights | null = null;
  await firstContact(url, async () => {
    found = await queueRights(url);
  });
  if (found === null) return false;
  const { tables, allowed, temporary, schema, role, database } = found as QueueRights;
  const lacking = [
    ...(tables || allowed
      ? []
      : [
          {
            what: `make tables in schema ${schema}`,
            sql: `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${role};`,
          },
        ]),
    ...(temporary
      ? []
      : [
          {
            what: 'make the temporary table by which BullMQ adds jobs',
            sql: `GRANT TEMPORARY ON DATABASE ${database} TO ${role};`,
          },
        ]),
  ];
  if (lacking.length === 0) return tables;
  throw new ConfigError(
    `The queue's user at ${describeQueue(url)} may not ${lacking.map(({ what }) => what).join(', nor ')}.`,
    {
      code: 'QUEUE_RIGHTS',
      remedy: `Have an administrator run ${lacking.map(({ sql }) => sql).join(' ')} in that database, which \`pgvector-backfill doctor --grants\` prints too.`,
    },
  );
}
