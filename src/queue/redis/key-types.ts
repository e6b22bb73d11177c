/** Keys on a shared Redis that have our names and are something else: said at the start, by name, rather than by each command. */

import { optionName } from '../../config/option-name.ts';
import { ConfigError } from '../../errors.ts';
import { describeQueue, isPostgres } from '../address.ts';
import { QUEUE_ROLES, firstContact, queueName, type QueueAddress } from '../connection.ts';
import { connectRedis, keyPrefix } from './connect.ts';

/** BullMQ's keys of a queue that are read or written by nearly every command of it. */
const KEY_TYPES: Record<string, string> = {
  wait: 'list',
  active: 'list',
  delayed: 'zset',
  prioritized: 'zset',
  completed: 'zset',
  failed: 'zset',
  repeat: 'zset',
  marker: 'zset',
  stalled: 'set',
  meta: 'hash',
  events: 'stream',
  id: 'string',
};

/** Reads only; nothing to look at where the queue is in PostgreSQL. @throws ConfigError naming the first such key. */
export async function assertQueueKeys(address: QueueAddress): Promise<void> {
  if (!isPostgres(address.url)) await firstContact(address.url, () => assertTypes(address));
}

async function assertTypes({ url, backfill, installation }: QueueAddress): Promise<void> {
  const redis = connectRedis(url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => {});
  try {
    const keys = QUEUE_ROLES.flatMap((role) =>
      Object.entries(KEY_TYPES).map(([suffix, wanted]) => ({
        key: `${keyPrefix(installation)}:${queueName(backfill, role)}:${suffix}`,
        wanted,
      })),
    );
    const types = await Promise.all(keys.map(({ key }) => redis.type(key)));
    for (const [at, { key, wanted }] of keys.entries()) {
      const type = types[at] ?? 'none';
      if (type !== wanted && type !== 'none') throw taken(url, key, type, wanted);
    }
  } finally {
    redis.disconnect();
  }
}

const taken = (url: string, key: string, type: string, wanted: string): ConfigError =>
  new ConfigError(`The key ${key} on ${describeQueue(url)} is a ${type}, not the ${wanted} of our queue.`, {
    code: 'QUEUE_KEY_TAKEN',
    remedy: `Remove that key if nothing else needs it, or give the queue a Redis (or a database number) of its own by ${optionName('queue')}; then run \`pgvector-backfill enqueue\`.`,
  });
