/** The connections of a queue in PostgreSQL. */

import type { Socket } from 'node:net';
import { createPostgresBackend, runMigrations } from 'bullmq';
import pg from 'pg';
import { optionName } from '../../config/option-name.ts';
import { ServerClient, type ServerClientConfig } from '../../db/connecting/server-client.ts';
import { connectClient } from '../../db/pool.ts';
import { losesSession } from '../../db/pooler.ts';
import { sessionSql } from '../../db/session-settings.ts';
import { ENCODING_SQL, sendAscii } from './ascii-sql.ts';
import { ConfigError } from '../../errors.ts';
import { QUEUE_SCHEMA, describeQueue } from '../address.ts';

/** Of all queues and workers of an address, side by side; each worker has one besides, for LISTEN. */
const QUEUE_CONNECTIONS = 5;

/** BullMQ's statements are short, its migration and the emptying of a queue take longer. */
const QUEUE_LIMITS = `SET statement_timeout = '10min'; SET lock_timeout = '1min'`;

/**
 * A pool of our own rather than BullMQ's: one whose connections may be lost at any moment. A connection that breaks while
 * it is checked out and idle raises an error event that nobody hears, and that would end the process.
 * Keepalive, so that a silent loss of the LISTEN connection is noticed and the subscription made again
 * (taskforcesh/bullmq#4729).
 */
export function createQueuePool(url: string): pg.Pool {
  const clients = new Set<pg.Client>();
  class Client extends ServerClient {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      clients.add(this);
      this.once('end', () => clients.delete(this));
    }
  }
  const address: Pick<ServerClientConfig, 'url'> = { url };
  const pool = new pg.Pool({
    Client,
    ...address,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    max: QUEUE_CONNECTIONS,
    onConnect: prepareQueueClient,
  });
  pool.on('error', () => {});
  // Each queue and worker of BullMQ's listens for the pool's errors, too.
  pool.setMaxListeners(0);
  clientsOf.set(pool, clients);
  return pool;
}

/** All of a pool's, those included that are being connected. */
const clientsOf = new WeakMap<pg.Pool, ReadonlySet<pg.Client>>();
/** For statements that are under way, ms. */
const LAST_STATEMENTS_MS = 2000;

/** Every connection ends, and whoever waits for an answer by it fails; the pool makes others. */
export function resetQueuePool(pool: pg.Pool): void {
  for (const client of clientsOf.get(pool) ?? [])
    (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

/** Whoever holds a connection then has forgotten it, or waits on one that is silent; `end` would wait for them for ever. */
export function endQueuePool(pool: pg.Pool): void {
  const cutOff = setTimeout(() => resetQueuePool(pool), LAST_STATEMENTS_MS);
  cutOff.unref();
  void pool.end().then(() => clearTimeout(cutOff));
}

/**
 * Before anybody has it: a role's settings must not change what BullMQ's SQL means, nor end it. The schema is said here and
 * not by the startup parameter `options`, which poolers refuse, and which one in the URL would take the place of.
 */
// The pool waits for what the hook returns, which its types do not say.
const prepareQueueClient = (async (client: pg.ClientBase): Promise<void> => {
  client.on('error', () => {});
  const said: unknown = await client.query(
    `${sessionSql(null, `${QUEUE_SCHEMA}, pg_temp`)}; ${QUEUE_LIMITS}; ${ENCODING_SQL}`,
  );
  sendAscii(client, said);
}) as (client: pg.ClientBase) => void;

/**
 * Brings BullMQ's schema up to date. It asks for the right to make schemas even where an administrator has made this one
 * beforehand, and without that right would end there.
 */
export async function migrateQueue(client: pg.ClientBase): Promise<void> {
  const found = await client.query<{ present: boolean }>(
    'SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1) AS present',
    [QUEUE_SCHEMA],
  );
  const isPresent = found.rows[0]?.present === true;
  const query = (text: string, values?: unknown[]): Promise<pg.QueryResult> =>
    client.query(isPresent && text.startsWith('CREATE SCHEMA IF NOT EXISTS') ? 'SELECT 1' : text, values);
  await runMigrations({ query } as never, QUEUE_SCHEMA);
}

/** Before anything is set on a connection, which would be an application's next. @throws ConfigError */
export async function assertQueueSession(url: string): Promise<void> {
  const connect = (): Promise<pg.Client> => connectClient(url, 'queue');
  const client = await connect();
  try {
    if (!(await losesSession(client, connect))) return;
  } finally {
    await client.end().catch(() => {});
  }
  throw new ConfigError(
    `The queue server at ${describeQueue(url)} is reached through a pooler in transaction mode, through which BullMQ cannot work: it listens for jobs on a session.`,
    {
      code: 'QUEUE_NEEDS_SESSION',
      remedy: `Give ${optionName('queue')} the server's own address, or that of a pooler in session mode. Where the queue is in the database of the table, give both the same URL, and the way past the pooler by ${optionName('database.direct')}.`,
    },
  );
}

type Backend = ReturnType<typeof createPostgresBackend>;
interface Readiness {
  waitUntilReady(): Promise<void>;
  readyPromise?: Promise<void> | undefined;
}

/** BullMQ keeps the answer of its first contact, a refusal too: whoever asks behind it would be refused for ever, at once. */
export const createQueueBackend: typeof createPostgresBackend = (name, options, more) => {
  const backend = createPostgresBackend(name, options, more);
  const { connection } = backend as unknown as { connection: Readiness & Listening };
  askAgain(connection);
  listenNoMore(connection);
  askAgain(backend as Backend & Readiness);
  return backend;
};

interface Listening {
  readonly isClosing: unknown;
  getListenClient(): Promise<unknown>;
}

/** A worker that was closed as it began would take a connection behind its end, which nobody gives back. */
function listenNoMore(connection: Listening): void {
  const listen = connection.getListenClient.bind(connection);
  connection.getListenClient = () =>
    connection.isClosing ? Promise.reject(new Error('Connection is closed.')) : listen();
}

function askAgain(what: Readiness): void {
  const ask = what.waitUntilReady.bind(what);
  what.waitUntilReady = () => {
    const asked = ask();
    asked.catch(() => {
      what.readyPromise = undefined;
    });
    return asked;
  };
}

export interface QueueRights {
  schema: string;
  /** Both quoted. */
  role: string;
  database: string;
  /** Whether BullMQ's tables are there; or else this user may make them. */
  tables: boolean;
  allowed: boolean;
  /** Jobs are added by way of a temporary table. */
  temporary: boolean;
}

/** Reads catalogs only. */
export async function queueRights(url: string): Promise<QueueRights> {
  const client = await connectClient(url, 'queue');
  try {
    const found = await client.query<QueueRights>(
      `SELECT $1::text AS schema, pg_catalog.quote_ident(current_user) AS role, pg_catalog.quote_ident(pg_catalog.current_database()) AS database,
              EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'migration') AS tables,
              CASE WHEN n.oid IS NULL THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
                   ELSE pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') END AS allowed,
              pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') AS temporary
         FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1::name`,
      [QUEUE_SCHEMA],
    );
    const none = { role: '', database: '', tables: false, allowed: true, temporary: true };
    return found.rows[0] ?? { schema: QUEUE_SCHEMA, ...none };
  } finally {
    await client.end().catch(() => {});
  }
}
