/** What can be seen of our queues without opening one, which would write to them: for verbs that only look. */

import { ServerClient } from '../../db/connecting/server-client.ts';
import { withTimeLimit } from '../../time-limit.ts';
import { QUEUE_ROLES, QUEUE_SCHEMA, isPostgres, queueName } from '../address.ts';
import type { QueueAddress } from '../connection.ts';
import { queueFault } from '../faults/queue-fault.ts';
import { connectRedis, keyPrefix } from '../redis/connect.ts';
import { postgresTime, redisTime } from '../clock/server-time.ts';

export interface QueueSnapshot {
  /** Why the queue server is waited for, as a sentence; null where it answers. */
  trouble: string | null;
  /** Names of the queues that somebody has paused. */
  paused: string[];
  /** What this machine's clock is ahead of the server's; null where that does not tell its time. */
  clockAheadSeconds: number | null;
}

type Where = Pick<QueueAddress, 'url' | 'backfill' | 'installation'>;
type Seen = Omit<QueueSnapshot, 'trouble'>;

/** Of `status`, with its own start less than 2 s. */
const LIMIT_MS = 1000;

/** What is said of a queue that does not answer, wherever somebody looks at the run. */
export const queueUnreachable = (why: string): string =>
  `The queue does not answer (${why}). Workers wait for it, and go on by themselves once it is there; nothing is lost, as the ledger has the progress.`;

const unseen = (why: string): QueueSnapshot => ({
  trouble: queueUnreachable(why),
  paused: [],
  clockAheadSeconds: null,
});

/** By a connection of its own, without another try. Never rejects. */
export async function readQueueSnapshot(where: Where, limitMs = LIMIT_MS): Promise<QueueSnapshot> {
  const looking = (isPostgres(where.url) ? lookAtPostgres(where, limitMs) : lookAtRedis(where, limitMs)).then(
    (seen) => ({ trouble: null, ...seen }),
    (error: unknown) => unseen(queueFault(where.url, error).why),
  );
  return withTimeLimit(limitMs, looking, () => unseen(`no answer within ${limitMs / 1000} s`));
}

const names = (backfill: string): string[] => QUEUE_ROLES.map((role) => queueName(backfill, role));

async function lookAtRedis({ url, backfill, installation }: Where, limitMs: number): Promise<Seen> {
  const redis = connectRedis(url, {
    connectTimeout: limitMs,
    // The driver would wait 2 s for a silent server to close its side, and the verb with it.
    disconnectTimeout: 1,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let lost: Error | null = null;
  redis.on('error', (error: Error) => (lost ??= error));
  const end = setTimeout(() => redis.disconnect(), limitMs);
  const prefix = keyPrefix(installation);
  try {
    const paused: string[] = [];
    for (const name of names(backfill))
      if ((await redis.hexists(`${prefix}:${name}:meta`, 'paused')) === 1) paused.push(name);
    return { paused, clockAheadSeconds: await aheadOf(() => redisTime(redis, `${prefix}:time`)) };
  } catch (error) {
    // The first one tells why; behind it the driver knows no more than that it has given up.
    throw lost ?? error;
  } finally {
    clearTimeout(end);
    redis.disconnect();
  }
}

async function lookAtPostgres({ url, backfill }: Where, limitMs: number): Promise<Seen> {
  const client = new ServerClient({
    url,
    application_name: 'pgvector-backfill look',
    connectionTimeoutMillis: limitMs,
    query_timeout: limitMs,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const clockAheadSeconds = await aheadOf(() => postgresTime(client));
    const made = await client.query<{ present: boolean }>(
      `SELECT pg_catalog.to_regclass($1::text) IS NOT NULL AS present`,
      [`${QUEUE_SCHEMA}.meta`],
    );
    if (made.rows[0]?.present !== true) return { paused: [], clockAheadSeconds };
    const found = await client.query<{ queue: string }>(
      // Operators too are those of the catalogue: this session has the path of its user.
      `SELECT queue::pg_catalog.text AS queue FROM ${QUEUE_SCHEMA}.meta
        WHERE queue::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
          AND field::pg_catalog.text OPERATOR(pg_catalog.=) 'paused'::pg_catalog.text
          AND value::pg_catalog.text OPERATOR(pg_catalog.=) '1'::pg_catalog.text`,
      [names(backfill)],
    );
    return { paused: found.rows.map((row) => row.queue).toSorted(), clockAheadSeconds };
  } finally {
    void client.end().catch(() => {});
  }
}

/** By a fresh clock; null where the server does not tell. */
async function aheadOf(ask: () => Promise<number>): Promise<number | null> {
  const sent = Date.now();
  const server = await ask().catch(() => null);
  return server === null ? null : ((sent + Date.now()) / 2 - server) / 1000;
}
