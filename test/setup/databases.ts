/** A database per test, on every backend that this machine has. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { embeddedDatabase } from './embedded.ts';
import { countDatabase, measured } from './measure.ts';

export interface TestDatabase {
  databaseUrl: string;
  /** A queue server for the test; on Redis it is shared, as keys carry the database's own prefix. */
  queueUrl: string;
  drop(): Promise<void>;
}

export interface DatabaseOptions {
  /** As PostgreSQL makes one: without extension, ledger and queue. */
  bare?: boolean;
  /** Options of CREATE DATABASE, such as an encoding; it is bare then. */
  sql?: string;
}

export interface Backend {
  name: 'PostgreSQL and Redis' | 'PostgreSQL alone' | 'embedded';
  create: (options?: DatabaseOptions) => Promise<TestDatabase>;
}

/** What can carry rows and jobs here: for suites that touch the queue. */
export function backends(): Backend[] {
  const redisUrl = inject('redisUrl');
  if (!hasPostgres()) return [{ name: 'embedded', create: embeddedDatabase }];
  const alone: Backend = { name: 'PostgreSQL alone', create: (options) => realDatabase(undefined, options) };
  if (redisUrl === null) return [alone];
  return [{ name: 'PostgreSQL and Redis', create: (options) => realDatabase(redisUrl, options) }, alone];
}

/** One of them, the best there is: for suites to which it does not matter what carries the jobs. */
export const databases = (): Backend[] => backends().slice(0, 1);

export const hasPostgres = (): boolean => inject('postgresUrl') !== null;
export const hasRedis = (): boolean => hasPostgres() && inject('redisUrl') !== null;
/** For tests that kill their servers: the shared ones are not theirs to kill. */
export const hasContainers = (): boolean => inject('containers');

/** On the real server; its queue is in the same database where no Redis is given. */
export async function realDatabase(redisUrl?: string, options: DatabaseOptions = {}): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  if (server === null) throw new Error(`guard the suite with hasPostgres(): ${inject('notHere').join('; ')}`);
  const url = await measured('database', () =>
    options.bare === true || options.sql !== undefined
      ? newDatabase(server, options.sql ?? 'TEMPLATE template1')
      : preparedDatabase(server),
  );
  countDatabase(redisUrl === undefined ? 'PostgreSQL alone' : 'PostgreSQL and Redis');
  // Never dropped one by one: the server goes as a whole, or the run drops what is its own at its end.
  return { databaseUrl: url, queueUrl: redisUrl ?? url, drop: () => Promise.resolve() };
}

/** The next one is made while the test runs that has this one. */
let next: Promise<string> | null = null;

async function preparedDatabase(server: string): Promise<string> {
  const mine = next ?? clone(server);
  next = clone(server);
  // Whoever asks for it hears of it.
  next.catch(() => {});
  return mine;
}

/** With extension, ledger and queue as the template has them, and an installation of its own. */
async function clone(server: string): Promise<string> {
  const url = await newDatabase(server, `TEMPLATE ${inject('template')}`);
  await onServer(url, 'UPDATE pgvector_backfill.installation SET id = gen_random_uuid()');
  return url;
}

/** @param options of CREATE DATABASE */
async function newDatabase(server: string, options: string): Promise<string> {
  const name = `${inject('databasePrefix')}${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name} ${options}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
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

/** A role of the test's own, with what it owns or may do in the test's database. */
export async function dropRole(databaseUrl: string, role: string): Promise<void> {
  await onServer(databaseUrl, `DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
}
