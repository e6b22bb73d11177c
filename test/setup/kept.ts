/** All that a run keeps outside of the operator's table: where nothing may be found that is not to leave it. */

import { Redis } from 'ioredis';
import type { Pool } from '../../src/db/pool.ts';

/** All rows of all tables but the operator's own, as text; their names come along. */
export async function everythingKept(pool: Pool, own: string): Promise<string> {
  const tables = await pool.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> $1`,
    [own],
  );
  const rows: string[] = [];
  for (const { name } of tables.rows) {
    rows.push(name);
    const found = await pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    rows.push(...found.rows.map(({ row }) => row));
  }
  return rows.join('\n');
}

/** Empty where the queue is in PostgreSQL. */
export async function everythingInRedis(url: string): Promise<string> {
  if (!url.startsWith('redis')) return '';
  const redis = new Redis(url);
  const found: string[] = [];
  for await (const keys of redis.scanStream({ match: '*' }) as AsyncIterable<string[]>)
    for (const key of keys) found.push(key, JSON.stringify(await valueOf(redis, key)));
  await redis.quit();
  return found.join('\n');
}

/** As it is: a dump may be compressed. */
async function valueOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  if (type === 'hash') return redis.hgetall(key);
  if (type === 'list') return redis.lrange(key, 0, -1);
  if (type === 'set') return redis.smembers(key);
  if (type === 'zset') return redis.zrange(key, 0, -1);
  if (type === 'stream') return redis.xrange(key, '-', '+');
  return type === 'string' ? redis.get(key) : null;
}
