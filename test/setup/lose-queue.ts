import { Redis } from 'ioredis';
import type { Pool } from '../../src/db/pool.ts';
import { installationId } from '../../src/ledger/backfill/installation.ts';

/** All that an installation has in a Redis which it shares with others. */
export async function loseQueue(pool: Pool, redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  const prefix = (await installationId(pool)).slice(0, 8);
  const keys: string[] = [];
  for await (const some of redis.scanStream({
    match: `*pgvector-backfill-${prefix}*`,
    count: 1000,
  }) as AsyncIterable<string[]>)
    keys.push(...some);
  if (keys.length > 0) await redis.del(...keys);
  await redis.quit();
}
