/** How a Redis is set up, and how full it is: what endangers jobs later on. */

import { Cluster, type Redis } from 'ioredis';
import { isPostgres } from '../address.ts';
import { connectRedis } from './connect.ts';

/** Of `maxmemory`: from there on it is a matter of time. */
const NEARLY_FULL = 0.9;

/** Warnings; empty where all is well. Jobs that Redis evicts are lost until `enqueue`. */
export async function inspectRedis(url: string): Promise<string[]> {
  if (isPostgres(url)) return [];
  const redis = connectRedis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.ping();
    const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
    const warnings = await Promise.all(nodes.map(inspectNode));
    return [...new Set(warnings.flat())];
  } finally {
    redis.disconnect();
  }
}

async function inspectNode(redis: Redis): Promise<string[]> {
  const memory = await redis.info('memory');
  const persistence = await redis.info('persistence');
  const warnings: string[] = [];
  const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1];
  if (policy !== undefined && policy !== 'noeviction')
    warnings.push(`Redis may evict jobs (maxmemory-policy ${policy}); set it to noeviction.`);
  const full = fullness(memory);
  if (policy === 'noeviction' && full >= NEARLY_FULL)
    warnings.push(
      `Redis has filled ${Math.floor(full * 100)} % of its memory (used_memory of maxmemory), and refuses every write once it is full: give it more (CONFIG SET maxmemory), or remove what else is in it.`,
    );
  if (!persistence.includes('aof_enabled:1'))
    warnings.push('Redis does not log to disk (appendonly no): after its crash run `enqueue` again.');
  return warnings;
}

/** Zero where there is no limit. */
function fullness(memory: string): number {
  const [used, max] = ['used_memory', 'maxmemory'].map((name) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1] ?? 0),
  );
  return max === undefined || max === 0 ? 0 : (used ?? 0) / max;
}
