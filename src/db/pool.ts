/** Connections to PostgreSQL. */

import pg from 'pg';
import { optionName } from '../config/option-name.ts';
import { describeDatabaseUrl } from '../config/libpq/parameters.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { connectionFault } from './connection-fault.ts';
import { ServerClient, type ServerClientConfig } from './connecting/server-client.ts';
import { endClientWithInterruption, endWithInterruption } from './interruption.ts';
import { Sessions, rowSecurity, securityOf, sessions } from './pool-session.ts';
import { OWN_PATH } from './search-path.ts';
import { explained, hidesRows } from './row-security.ts';
import { openingSql, sessionSql } from './session-settings.ts';
import { isUnreachable } from './sqlstates.ts';

export type Pool = pg.Pool;

/** The least that a query needs; a pool and a client both are one. */
export interface Queryable {
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<R>>;
}

/** Long enough for a restart behind a load balancer, short enough that a wrong address is noticed. */
const CONNECT_TIMEOUT_MS = 10_000;

const clientOptions = (url: string, applicationName: string): ServerClientConfig => ({
  url,
  application_name: applicationName,
  // A half-open connection is noticed by the kernel instead of never.
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
});

/** What a pool says of itself, in the shape of a logger's line. */
export interface PoolLog {
  warn(facts: object, message: string): void;
}

export interface PoolOptions {
  name: string;
  max: number;
  logger: PoolLog;
  /**
   * Longest wait for the answer to one query, ms: a connection of which the network does not tell that it is lost. More
   * than the server's own limit of the statement; none where absent, for statements of any length.
   */
  queryTimeoutMs?: number;
  /** The legacy table, as the option has it: its policies decide whether rows can be hidden from this pool. */
  table?: string;
  /** For our own SQL alone, and so on the catalog's path: what is on the operator's has to be named with its schema. */
  pinned?: boolean;
}

/** Longest single statement outside of a transaction, ms: counts and plans of a whole table. What takes longer has been forgotten. */
const LONGEST_STATEMENT_MS = 3_600_000;
/** The server ends a statement before the client gives up on it: it would run on otherwise. */
const SERVER_SHARE = 0.9;
/** For a lock outside of a transaction, ms: of the ledger's rows, mostly. */
const LOCK_TIMEOUT_MS = 10_000;

export function createPool(url: string, options: PoolOptions): Pool {
  const pool = new pg.Pool({
    Client: ServerClient,
    ...clientOptions(url, `pgvector-backfill ${options.name}`),
    max: options.max,
    allowExitOnIdle: true,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
  });
  endWithInterruption(pool, (pids) => cancelBackends(url, pids));
  // Without listeners the loss of a connection would end the process: of an idle one here, of one that is checked out
  // and between two queries below. A query under way fails by itself.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', (error) =>
    options.logger.warn({ err: messageOf(error) }, 'idle database connection lost'),
  );
  const security = options.table === undefined ? null : securityOf(options.table);
  if (security !== null) rowSecurity.set(pool, security);
  const { queryTimeoutMs = LONGEST_STATEMENT_MS / SERVER_SHARE } = options;
  const limits = {
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    statementTimeoutMs: Math.ceil(queryTimeoutMs * SERVER_SHARE),
  };
  const { pinned = false } = options;
  const own = new Sessions(
    sessionSql(limits, pinned ? OWN_PATH : null),
    openingSql(limits, 'own', security?.opening ?? null, true, pinned),
    pinned,
  );
  sessions.set(pool, own);
  const closing = security?.closing ?? 'COMMIT';
  pool.query = (async (text: string | pg.QueryConfig, values?: unknown[]) => {
    const client = await pool.connect();
    let isSpent = false;
    try {
      const isSettled = await own.isSettled(client);
      if (isAlone(text)) {
        // Vacuum takes what time it takes, and the connection is not handed on behind it.
        isSpent = isSettled;
        if (isSettled) await client.query('SET statement_timeout TO DEFAULT; SET lock_timeout TO DEFAULT');
        return await client.query(text, values);
      }
      if (isSettled && !own.perStatement) {
        try {
          return await client.query(text, values);
        } catch (error) {
          if (security === null || !hidesRows(explained(error))) throw error;
          // A policy of the table's may let this role see all rows: looked up with each statement from now on.
          own.perStatement = true;
        }
      }
      return await inItsTransaction(client, { opening: await own.opening(client), closing }, text, values);
    } catch (error) {
      isSpent ||= isUnreachable(error);
      throw explained(error, security?.table);
    } finally {
      client.release(isSpent);
    }
  }) as Pool['query'];
  return pool;
}

/** Statements that no transaction may hold; none of them depends on a setting. */
const ALONE =
  /^\s*(?:VACUUM|ALTER\s+SYSTEM|(?:CREATE|DROP)\s+DATABASE|REINDEX|(?:CREATE|DROP)\s+INDEX\s+CONCURRENTLY)\b/i;

const isAlone = (text: string | pg.QueryConfig): boolean =>
  ALONE.test(typeof text === 'string' ? text : text.text);

/**
 * One statement with its settings in a transaction of its own. All three are sent at once: it costs no more round trips
 * than the statement alone, and works behind a pooler in transaction mode, where a SET on connecting is lost, or leaks.
 */
async function inItsTransaction(
  client: pg.PoolClient,
  { opening, closing }: { opening: string; closing: string },
  text: string | pg.QueryConfig,
  values?: unknown[],
): Promise<pg.QueryResult> {
  // The driver's own switch for not waiting between queries; always on, it would refuse the streams of COPY.
  const pipelined = client as { pipeline: boolean };
  pipelined.pipeline = true;
  const sent = [client.query(opening), client.query(text, values), client.query(closing)];
  const [opened, answered, ended] = await Promise.allSettled(sent);
  pipelined.pipeline = false;
  // The first is the cause: the others fail for being in a transaction that has failed.
  for (const each of [opened, answered, ended])
    if (each?.status === 'rejected') {
      // A COMMIT alone has rolled it back; behind a statement that fails it was not reached.
      if (closing !== 'COMMIT' && !isUnreachable(each.reason)) await client.query('ROLLBACK').catch(() => {});
      throw each.reason as unknown;
    }
  return (answered as PromiseFulfilledResult<pg.QueryResult>).value;
}

/** A connection of its own for what must not share one: COPY sessions, index builds, advisory locks. */
export async function connectClient(url: string, name: string): Promise<pg.Client> {
  const client = new ServerClient(clientOptions(url, `pgvector-backfill ${name}`));
  // The loss shows in the query under way; an unheard error event would end the process first.
  client.on('error', () => {});
  await client.connect();
  endClientWithInterruption(client, (pids) => cancelBackends(url, pids));
  return client;
}

/** Of this process's own, by their numbers; behind a pooler those are of nobody. */
async function cancelBackends(url: string, pids: number[]): Promise<void> {
  const client = new ServerClient(clientOptions(url, 'pgvector-backfill interrupt'));
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      'SELECT pg_catalog.pg_cancel_backend(p) FROM pg_catalog.unnest($1::pg_catalog.int4[]) p',
      [pids],
    );
  } finally {
    await client.end().catch(() => {});
  }
}

/** Behind a look for a pooler (pooler.ts): settings of a session may be somebody else's next. */
export async function configureSession(client: pg.Client): Promise<void> {
  await client.query(sessionSql());
}

/** First contact: tells a wrong address from a server that is merely busy. @throws ConfigError */
export async function assertReachable(pool: Pool, url: string): Promise<void> {
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    throw unreachable(url, error);
  }
}

/** @param option whose address it is */
export function unreachable(
  url: string,
  error: unknown,
  option: 'database.url' | 'database.direct' = 'database.url',
): ConfigError {
  const { why, remedy } = connectionFault(error);
  return new ConfigError(`Cannot connect to PostgreSQL at ${describeDatabaseUrl(url)}: ${why}.`, {
    code: 'DATABASE_UNREACHABLE',
    remedy: remedy ?? `Check ${optionName(option)} and that the server runs.`,
    cause: error,
  });
}
