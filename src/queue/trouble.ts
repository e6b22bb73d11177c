/** Whether the queue server answers, for those who have no queue open: by a connection of its own, without another try. */

import pg from 'pg';
import { queueFault } from './fault.ts';
import { isPostgres } from './address.ts';
import { connectRedis } from './redis.ts';

/** Of `status`, with its own start less than 2 s. */
const LIMIT_MS = 1000;

/** What is said of a queue that does not answer, wherever somebody looks at the run. */
export const queueAway = (why: string): string =>
  `The queue does not answer (${why}). Workers wait for it, and go on by themselves once it is there; nothing is lost, as the ledger has the progress.`;

/** Null where it answers; otherwise the words for it. Never rejects. */
export async function queueTrouble(url: string, limitMs = LIMIT_MS): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${limitMs / 1000} s`), limitMs);
  });
  const why = await Promise.race([
    isPostgres(url) ? askPostgres(url, limitMs) : askRedis(url, limitMs),
    late,
  ]);
  clearTimeout(timer);
  return why === null ? null : queueAway(why);
}

async function askRedis(url: string, limitMs: number): Promise<string | null> {
  const redis = connectRedis(url, {
    connectTimeout: limitMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let lost: Error | null = null;
  redis.on('error', (error: Error) => (lost ??= error));
  const end = setTimeout(() => redis.disconnect(), limitMs);
  try {
    await redis.ping();
    return null;
  } catch (error) {
    // The first one tells why; behind it the driver knows no more than that it has given up.
    return queueFault(url, lost ?? error).why;
  } finally {
    clearTimeout(end);
    redis.disconnect();
  }
}

async function askPostgres(url: string, limitMs: number): Promise<string | null> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'pgvector-backfill status',
    connectionTimeoutMillis: limitMs,
    query_timeout: limitMs,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return null;
  } catch (error) {
    return queueFault(url, error).why;
  } finally {
    void client.end().catch(() => {});
  }
}
