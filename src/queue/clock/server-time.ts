/** What time it is on the queue's server. */

import type pg from 'pg';
import type { Cluster, Redis } from 'ioredis';
import { messageOf } from '../../errors.ts';

/**
 * By a key, so that of a cluster it is the node that has the queue: each has a clock of its own. A user who may not ask for
 * TIME, which BullMQ does not need, may ask for INFO, which it does.
 */
const SCRIPT = `local time = redis.pcall('TIME')
if time.err then return redis.pcall('INFO', 'server') end
return time`;

/** Milliseconds since 1970. @throws where the server does not tell */
export async function redisTime(redis: Redis | Cluster, key: string): Promise<number> {
  const said: unknown = await redis.eval(SCRIPT, 1, key);
  const ms = Array.isArray(said)
    ? Number(said[0]) * 1000 + Number(said[1]) / 1000
    : Number(/server_time_usec:(\d+)/.exec(String(said))?.[1]) / 1000;
  if (Number.isFinite(ms)) return ms;
  throw new Error(`the queue server does not tell its time: ${messageOf(said)}`);
}

/** On a session of any search path: each name is of the catalogue. */
export async function postgresTime(db: Pick<pg.ClientBase, 'query'>): Promise<number> {
  const asked = await db.query<{ seconds: number }>(
    'SELECT pg_catalog.date_part($1, pg_catalog.clock_timestamp()) AS seconds',
    ['epoch'],
  );
  return (asked.rows[0]?.seconds ?? Number.NaN) * 1000;
}
