/** A database per test, on every backend that this machine has. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { embeddedServer } from './embedded.ts';

export interface TestDatabase {
  databaseUrl: string;
  /** A queue server for the test; on Redis it is shared, as keys carry the database's own prefix. */
  queueUrl: string;
  drop(): Promise<void>;
}

export interface Backend {
  name: 'PostgreSQL and Redis' | 'PostgreSQL alone' | 'embedded';
  create: () => Promise<TestDatabase>;
}

/** What can run here. Suites go over all of it, so that nothing is tested on one backend only by accident. */
export function backends(): Backend[] {
  const redisUrl = inject('redisUrl');
  const list: Backend[] = inject('realOnly') ? [] : [{ name: 'embedded', create: embeddedDatabase }];
  if (hasPostgres()) list.unshift({ name: 'PostgreSQL alone', create: () => realDatabase() });
  if (hasPostgres() && redisUrl !== null)
    list.unshift({ name: 'PostgreSQL and Redis', create: () => realDatabase(redisUrl) });
  return list;
}

/** One database, the best there is: for suites to which it does not matter what carries the jobs. */
export const databases = (): Backend[] => backends().slice(0, 1);

export const hasPostgres = (): boolean => inject('postgresUrl') !== null;
export const hasRedis = (): boolean => hasPostgres() && inject('redisUrl') !== null;
/** For tests that kill their servers: the shared ones are not theirs to kill. */
export const hasContainers = (): boolean => inject('containers');

async function embeddedDatabase(): Promise<TestDatabase> {
  const server = await embeddedServer();
  return { databaseUrl: server.url, queueUrl: server.url, drop: () => server.stop() };
}

/**
 * On the real server; its queue is in the same database where no Redis is given.
 * @param options of CREATE DATABASE
 */
export async function realDatabase(redisUrl?: string, options = ''): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  if (server === null) throw new Error(`guard the suite with hasPostgres(): ${inject('notHere').join('; ')}`);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name} ${options}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    databaseUrl: url.href,
    queueUrl: redisUrl ?? url.href,
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

export async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
