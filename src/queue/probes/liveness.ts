/** Whether the queue server answers a newcomer, whatever has become of the connections that are open. */

import { connectClient } from '../../db/pool.ts';
import { withTimeLimit } from '../../time-limit.ts';
import { isPostgres } from '../address.ts';
import { connectRedis, keyPrefix } from '../redis/connect.ts';

const LIMIT_MS = 3000;

/** @param name of a queue: in a Redis Cluster the node that has its keys is asked. */
export async function isServerAlive(url: string, installation: string, name: string): Promise<boolean> {
  const over = new AbortController();
  const answer = isPostgres(url) ? asked(url) : found(url, installation, name, over.signal);
  try {
    return await withTimeLimit(LIMIT_MS, answer, () => false);
  } catch {
    return false;
  } finally {
    over.abort();
  }
}

async function asked(url: string): Promise<boolean> {
  const client = await connectClient(url, 'queue health');
  try {
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}

async function found(url: string, installation: string, name: string, over: AbortSignal): Promise<boolean> {
  const redis = connectRedis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => {});
  over.addEventListener('abort', () => redis.disconnect());
  await redis.exists(`${keyPrefix(installation)}:${name}:meta`);
  return true;
}
