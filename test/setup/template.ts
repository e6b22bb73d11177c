/** The database that tests get copies of: what `enqueue` does at its first time, done once. */

import { Redis } from 'ioredis';
import { pino } from 'pino';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { prepareQueue } from '../../src/queue/connection.ts';

async function onServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Extension, ledger and the schema of the queue. */
export async function makeTemplate(server: string, name: string): Promise<void> {
  await onServer(server, (client) => client.query(`CREATE DATABASE ${name}`));
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const pool = createPool(url, { name: 'test template', max: 1, logger: pino({ level: 'silent' }) });
  try {
    await pool.query('CREATE EXTENSION vector');
    await migrate(pool);
    await prepareQueue(url);
  } finally {
    await pool.end();
  }
}

/** `PostgreSQL 18.1 with pgvector 0.8.2, Redis 8.0.3`; empty where there is neither. */
export async function serverVersions(
  postgresUrl: string | null,
  redisUrl: string | null,
  template: string,
): Promise<string> {
  const parts: string[] = [];
  if (postgresUrl !== null) {
    const url = Object.assign(new URL(postgresUrl), { pathname: `/${template}` }).href;
    const { rows } = await onServer(url, (client) =>
      client.query<{ server: string; vector: string }>(
        `SELECT split_part(current_setting('server_version'), ' ', 1) AS server, extversion AS vector FROM pg_extension WHERE extname = 'vector'`,
      ),
    );
    parts.push(`PostgreSQL ${rows[0]?.server} with pgvector ${rows[0]?.vector}`);
  }
  if (redisUrl !== null) {
    const redis = new Redis(redisUrl);
    parts.push(`Redis ${/redis_version:(\S+)/.exec(await redis.info('server'))?.[1]}`);
    redis.disconnect();
  }
  return parts.join(', ');
}

/** All of one run. */
export async function dropDatabases(server: string, prefix: string): Promise<void> {
  await onServer(server, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    );
    for (const { name } of rows) await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}
