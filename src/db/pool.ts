/** Connections to PostgreSQL. */

import pg from 'pg';
import { ConfigError, messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { codeOf, SQLSTATE } from './sqlstates.ts';

export type Pool = pg.Pool;

/** The least that a query needs; a pool and a client both are one. */
export interface Queryable {
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<R>>;
}

/** Long enough for a restart behind a load balancer, short enough that a wrong address is noticed. */
const CONNECT_TIMEOUT_MS = 10_000;

const clientOptions = (url: string, applicationName: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: applicationName,
  // A half-open connection is noticed by the kernel instead of never.
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
});

export interface PoolOptions {
  name: string;
  max: number;
  logger: Logger;
  /**
   * Longest wait for the answer to one query, ms: a connection of which the network does not tell that it is lost. More
   * than the server's own limit of the statement; none where absent, for statements of any length.
   */
  queryTimeoutMs?: number;
}

export function createPool(url: string, options: PoolOptions): Pool {
  const pool = new pg.Pool({
    ...clientOptions(url, `pgvector-backfill ${options.name}`),
    max: options.max,
    allowExitOnIdle: true,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
  });
  // Without listeners the loss of a connection would end the process: of an idle one here, of one that is checked out
  // and between two queries below. A query under way fails by itself.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', (error) =>
    options.logger.warn({ err: messageOf(error) }, 'idle database connection lost'),
  );
  return pool;
}

/** A connection of its own for what must not share one: COPY sessions, index builds, advisory locks. */
export async function connectClient(url: string, name: string): Promise<pg.Client> {
  const client = new pg.Client(clientOptions(url, `pgvector-backfill ${name}`));
  // The loss shows in the query under way; an unheard error event would end the process first.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** host:port/database of a URL, never its credentials. */
export function describeUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed === null
    ? '(unreadable URL)'
    : `${parsed.hostname}:${parsed.port || '5432'}${parsed.pathname}`;
}

const WRONG_ADDRESS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  [SQLSTATE.invalidPassword]: 'the password is wrong',
  [SQLSTATE.invalidAuthorization]: 'the user may not log in',
  [SQLSTATE.databaseMissing]: 'the database does not exist',
};

/** First contact: tells a wrong address from a server that is merely busy. @throws ConfigError */
export async function assertReachable(pool: Pool, url: string): Promise<void> {
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
    const why = WRONG_ADDRESS[codeOf(error) ?? codeOf(inner) ?? ''] ?? messageOf(error);
    throw new ConfigError(`Cannot connect to PostgreSQL at ${describeUrl(url)}: ${why}.`, {
      code: 'DATABASE_UNREACHABLE',
      remedy:
        'Check the option database (--database, env DATABASE_URL, file key database) and that the server runs.',
      cause: error,
    });
  }
}
