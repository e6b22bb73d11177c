/** The session of an index build: one connection of its own, with settings that are read back. */

import type pg from 'pg';
import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { connectClient, configureSession, type Queryable } from '../../db/pool.ts';
import { losesSession } from '../../db/pooler.ts';
import { GateError } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Target } from '../../table/backfill-target.ts';
import { FULL_VERSION, findVectorExtension, isAtLeast } from '../../table/vector-extension.ts';
import { MAX_DEFAULT_MEMORY } from '../choose-index.ts';
import {
  PARALLEL_RESERVE_BYTES,
  hnswGraphBytesPerRow,
  ivfflatBuildBytes,
  ivfflatLists,
} from '../forecast/index-size.ts';
import { withTimeLimit } from '../../time-limit.ts';

export interface BuildSession {
  client: pg.Client;
  /** Its process on the server. */
  pid: number;
  end(): Promise<void>;
}

export interface SessionNeeds {
  target: Target;
  settings: Settings;
  dimensions: number;
  /** Rows with a vector. */
  rows: number;
  logger: Logger;
}

/** How its sessions call themselves, behind the product's name. */
export const FINALIZER = 'finalizer';

/** CONCURRENTLY waits for older transactions; a wait without end would keep vacuum from the table just as long. */
const LOCK_TIMEOUT = '10min';

/**
 * SET on the session, as SET LOCAL outside of a transaction does nothing in silence. A notice of pgvector's tells that the
 * graph no longer fits; a client that is gone is found out by the server's keepalives, and its advisory lock with it.
 */
const SETTINGS: Record<string, string> = {
  statement_timeout: '0',
  lock_timeout: LOCK_TIMEOUT,
  idle_in_transaction_session_timeout: '0',
  client_min_messages: 'notice',
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '6',
};

/** By the direct address where there is one: in front of `database` there may be a pooler. */
export async function openBuildSession(settings: Settings): Promise<BuildSession> {
  const url = settings.database.direct ?? settings.database.url;
  const connect = (): Promise<pg.Client> => connectClient(url, FINALIZER);
  const client = await connect();
  try {
    // Before it has a lock or a setting: an application's connection would keep both.
    if (await losesSession(client, connect)) throw sessionNotKept(settings);
    await configureSession(client);
    const found = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
    return {
      client,
      pid: found.rows[0]?.pid ?? 0,
      end: () => endSession(client),
    };
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

/** Answers at once, unless the session is lost or still at a statement that was given up. */
const UNDO_MS = 2000;

/**
 * Settings and locks end with a session. A pooler in session mode ends none: it hands the server connection on, and whether
 * it resets that one is up to its configuration.
 */
async function endSession(client: pg.Client): Promise<void> {
  const undone = client.query('SELECT pg_advisory_unlock_all(); RESET ALL').catch(() => {});
  await withTimeLimit(UNDO_MS, undone, () => {});
  await client.end().catch(() => {});
}

/** @returns maintenance_work_mem as the server has it now, bytes. @throws GateError where the server must not build concurrently, or does not keep the settings of a session. */
export async function prepareSession(
  { target, settings, dimensions, rows, logger }: SessionNeeds,
  { client }: BuildSession,
): Promise<number> {
  const server = await client.query<{ number: number }>(
    `SELECT current_setting('server_version_num')::int AS number`,
  );
  if (concurrentBuildMissesRows(server.rows[0]?.number ?? 0))
    throw new GateError('PostgreSQL 14.0 to 14.3 can miss rows in CREATE INDEX CONCURRENTLY.', {
      code: 'SERVER_MISSES_ROWS',
      remedy: 'Upgrade the server to the newest 14.x, then run `pgvector-backfill finalize`.',
    });
  const wanted: Record<string, string> = { ...SETTINGS };
  for (const [name, value] of Object.entries(wanted)) await set(client, name, value);
  const memory = await memoryToSet(client, { target, settings, dimensions, rows });
  if (memory !== null) await set(client, 'maintenance_work_mem', memory);
  const version = (await findVectorExtension(client)).version ?? '0';
  const workers = workersToSet(version, settings.index.parallelWorkers);
  if (workers !== null) await set(client, 'max_parallel_maintenance_workers', String(workers));
  const shown = await client.query<{
    memory: string;
    bytes: number;
    workers: string;
    timeout: string;
    transactions: string;
  }>(
    `SELECT current_setting('maintenance_work_mem') AS memory,
            pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS bytes, current_setting('max_parallel_maintenance_workers') AS workers,
            current_setting('statement_timeout') AS timeout, coalesce(current_setting('transaction_timeout', true), '0') AS transactions`,
  );
  logger.info({ ...shown.rows[0], pgvector: version }, 'index session');
  const { timeout, transactions, workers: kept } = shown.rows[0] ?? {};
  // Either would end the build, and leave an invalid index.
  if (timeout !== '0' || transactions !== '0' || (workers !== null && kept !== String(workers)))
    throw sessionNotKept(settings);
  return shown.rows[0]?.bytes ?? 0;
}

const sessionNotKept = ({ database: { direct } }: Pick<Settings, 'database'>): GateError =>
  new GateError(
    `${direct === undefined ? 'database' : 'database.direct'} goes through a pooler that does not keep the settings of a session, and the index build needs one of its own: nothing was built, all else works through the pooler.`,
    {
      code: 'SESSION_NOT_KEPT',
      remedy: `Give the server's own address, or that of a pooler in session mode, by ${optionName('database.direct')}; then \`pgvector-backfill resume\`.`,
    },
  );

const set = (client: pg.Client, name: string, value: string): Promise<unknown> =>
  client.query('SELECT pg_catalog.set_config($1, $2, false)', [name, value]);

/** The parallel build of HNSW before 0.8.2 can leak or crash (CVE-2026-3172). Null: leave the server's own. */
export function workersToSet(version: string, configured: number | undefined): number | null {
  return isAtLeast(version, FULL_VERSION) ? (configured ?? null) : 0;
}

/** PostgreSQL's release notes of 14.4. @param number server_version_num */
export const concurrentBuildMissesRows = (number: number): boolean => number >= 140_000 && number < 140_004;

/** Null: leave the server's own. */
async function memoryToSet(
  db: Queryable,
  { target, settings, dimensions, rows }: Omit<SessionNeeds, 'logger'>,
): Promise<string | null> {
  if (settings.index.maintenanceWorkMem !== undefined) return settings.index.maintenanceWorkMem;
  const { method, type } = target.indexed;
  const graph = rows * hnswGraphBytesPerRow({ dimensions, m: settings.index.m, type, parallel: false });
  // A graph that does not fit spills; without the memory for its centres an IVFFlat index is not built at all.
  const needed =
    method === 'hnsw'
      ? Math.min(graph + PARALLEL_RESERVE_BYTES, MAX_DEFAULT_MEMORY)
      : ivfflatBuildBytes(rows, { dimensions, type, lists: settings.index.lists ?? ivfflatLists(rows) }) +
        PARALLEL_RESERVE_BYTES;
  const present = await db.query<{ bytes: number }>(
    `SELECT pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS bytes`,
  );
  if (needed <= (present.rows[0]?.bytes ?? 0)) return null;
  return `${Math.ceil(needed / 1024)}kB`;
}
