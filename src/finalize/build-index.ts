/** Builds the index: one at a time, concurrently, on a session of its own, looked after until it is valid. */

import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { connectClient, type Pool } from '../db/pool.ts';
import { quoteQualified } from '../db/identifiers.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { ConfigError, GateError, messageOf } from '../errors.ts';
import type { IndexActual } from '../ledger/index-figures.ts';
import type { Logger } from '../observability/logger.ts';
import type { Target } from '../table/target.ts';
import { FULL_VERSION, findVectorExtension, isAtLeast } from '../table/vector-extension.ts';
import { buildProgress, type BuildProgress } from './build-progress.ts';
import { hnswGraphBytesPerRow, spilledAfter } from './forecast.ts';
import { createIndexSql, dropIndexSql, findIndex, type IndexDefinition } from './index-definition.ts';

export interface BuildInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  dimensions: number;
  /** Rows with a vector. */
  rows: number;
  wanted: IndexDefinition;
  logger: Logger;
  onProgress: (progress: BuildProgress) => Promise<void>;
  signal?: AbortSignal | undefined;
}

export interface BuildResult {
  /** False where a valid index of the wanted definition was there already. */
  built: boolean;
  seconds: number;
  /** What the server said while building, such as that the graph no longer fits into memory. */
  notices: string[];
  /** Null where nothing was built. */
  actual: IndexActual | null;
}

const FINALIZE_LOCK = 716_423;
const MOST_BUILDS = 3;
const POLL_MS = 1000;
/** CONCURRENTLY waits for older transactions; a wait without end would keep vacuum from the table just as long. */
const LOCK_TIMEOUT = '10min';
const MIB = 1024 * 1024;
/** Where nothing is configured: the graph's forecast, but never more than this on a server that serves others. */
const MOST_DEFAULT_MEMORY = 1024 * MIB;
/** pgvector keeps this much of maintenance_work_mem back in a parallel build (3 MB) and as margin (1 MB). */
const MEMORY_RESERVE = 4 * MIB;

/** @throws GateError where the name is taken by another index, ConfigError where the server cannot build it. */
export async function ensureIndex(input: BuildInput): Promise<BuildResult> {
  const { settings, target } = input;
  const session = await connectClient(settings.database, 'finalizer');
  const notices: string[] = [];
  session.on('notice', (notice) => {
    if (notice.message !== undefined) notices.push(notice.message);
  });
  try {
    await takeTurn(input, session);
    await prepareSession(input, session);
    const started = performance.now();
    const walBefore = await walPosition(session);
    let built = false;
    for (let attempt = 1; ; attempt++) {
      const found = await findIndex(session, target, input.wanted);
      if (found.kind === 'valid') {
        const seconds = (performance.now() - started) / 1000;
        const actual = built ? await measure(input, session, { seconds, notices, walBefore }) : null;
        return { built, seconds, notices, actual };
      }
      if (found.kind === 'other') throw nameTaken(input, found.definition);
      if (attempt > MOST_BUILDS) {
        throw new GateError(`Index ${input.wanted.name} was still invalid after ${MOST_BUILDS} builds.`, {
          code: 'INDEX_INVALID',
          remedy: "Look at the server's log for the reason, then run `npm run finalize`.",
        });
      }
      if (found.kind === 'invalid') await session.query(dropIndexSql(target, input.wanted));
      await build(input, session);
      built = true;
    }
  } finally {
    await session.end().catch(() => {});
  }
}

/** Bytes of WAL so far; null where it cannot be read. */
async function walPosition(session: pg.Client): Promise<number | null> {
  const found = await session
    .query<{ bytes: number }>(`SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS bytes`)
    .catch(() => null);
  return found?.rows[0]?.bytes ?? null;
}

async function measure(
  { target, wanted }: BuildInput,
  session: pg.Client,
  { seconds, notices, walBefore }: { seconds: number; notices: readonly string[]; walBefore: number | null },
): Promise<IndexActual> {
  const size = await session.query<{ bytes: number }>(
    'SELECT pg_relation_size(to_regclass($1))::float8 AS bytes',
    [quoteQualified({ schema: target.schema, name: wanted.name })],
  );
  const walAfter = walBefore === null ? null : await walPosition(session);
  return {
    sizeBytes: size.rows[0]?.bytes ?? 0,
    walBytes: walBefore === null || walAfter === null ? null : walAfter - walBefore,
    seconds,
    spilledAfter: spilledAfter(notices),
  };
}

/** Exactly one finalizer: the lock is the session's, so it is held until the server itself has let go of a build. */
async function takeTurn({ pool, target, onProgress, signal }: BuildInput, session: pg.Client): Promise<void> {
  for (;;) {
    const taken = await session.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken',
      [FINALIZE_LOCK, `${target.table} ${target.column}`],
    );
    const other = await buildProgress(pool, target);
    if (taken.rows[0]?.taken === true && other === null) return;
    if (taken.rows[0]?.taken === true)
      await session.query('SELECT pg_advisory_unlock($1, hashtext($2))', [
        FINALIZE_LOCK,
        `${target.table} ${target.column}`,
      ]);
    if (other !== null) await onProgress(other);
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** SET on the session, as SET LOCAL outside of a transaction does nothing in silence; what was set is read back. */
async function prepareSession(
  { target, settings, dimensions, rows, logger }: BuildInput,
  session: pg.Client,
): Promise<void> {
  await session.query(
    `SET statement_timeout = 0; SET lock_timeout = '${LOCK_TIMEOUT}'; SET idle_in_transaction_session_timeout = 0`,
  );
  await session
    .query(`VACUUM (ANALYZE, SKIP_LOCKED) ${target.table}`)
    .catch((error: unknown) => logger.warn({ err: messageOf(error) }, 'VACUUM before the index build'));
  const wanted = await memoryToSet(session, settings, dimensions, rows);
  if (wanted !== null) await session.query("SELECT set_config('maintenance_work_mem', $1, false)", [wanted]);
  const version = (await findVectorExtension(session)).version ?? '0';
  if (!isAtLeast(version, FULL_VERSION)) await session.query('SET max_parallel_maintenance_workers = 0');
  else if (settings.indexWorkers !== undefined)
    await session.query("SELECT set_config('max_parallel_maintenance_workers', $1, false)", [
      String(settings.indexWorkers),
    ]);
  const shown = await session.query<{ memory: string; workers: string }>(
    `SELECT current_setting('maintenance_work_mem') AS memory, current_setting('max_parallel_maintenance_workers') AS workers`,
  );
  logger.info({ ...shown.rows[0], pgvector: version }, 'index session');
}

/** Null: leave the server's own. */
async function memoryToSet(
  session: pg.Client,
  settings: Settings,
  dimensions: number,
  rows: number,
): Promise<string | null> {
  if (settings.indexMemory !== undefined) return settings.indexMemory;
  if (settings.indexMethod !== 'hnsw') return null;
  const needed =
    rows * hnswGraphBytesPerRow({ dimensions, m: settings.indexM, parallel: false }) + MEMORY_RESERVE;
  const present = await session.query<{ bytes: number }>(
    `SELECT pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS bytes`,
  );
  if (needed <= (present.rows[0]?.bytes ?? 0)) return null;
  return `${Math.ceil(Math.min(needed, MOST_DEFAULT_MEMORY) / 1024)}kB`;
}

async function build(input: BuildInput, session: pg.Client): Promise<void> {
  const sql = createIndexSql(input.target, input.wanted);
  const watch = new AbortController();
  const watching = watchBuild(input, watch.signal);
  try {
    await session.query(sql);
  } catch (error) {
    if (!isSharedMemoryTooSmall(error)) {
      // A build that lost a race for locks leaves an invalid index, which the next round drops and builds again.
      if (hasSqlState(error, SQLSTATE.lockTimeout, SQLSTATE.deadlock, SQLSTATE.queryCanceled)) return;
      if (hasSqlState(error, SQLSTATE.diskFull))
        throw new ConfigError(`The disk is full: ${messageOf(error)}.`, {
          code: 'DISK_FULL',
          remedy: 'Make room, then run `npm run finalize`.',
          cause: error,
        });
      throw error;
    }
    input.logger.warn(
      { err: messageOf(error) },
      'shared memory (/dev/shm) is too small for a parallel build; going on without parallel workers',
    );
    await session.query('SET max_parallel_maintenance_workers = 0');
  } finally {
    watch.abort();
    await watching;
  }
}

/** One look at a time: where the server answers only after the build, there is one late look and no pile of them. */
async function watchBuild(
  { pool, target, onProgress, logger }: BuildInput,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await delay(POLL_MS, undefined, { signal });
      const progress = await buildProgress(pool, target);
      if (progress !== null && !signal.aborted) await onProgress(progress);
    }
  } catch (error) {
    if (!signal.aborted) logger.warn({ err: messageOf(error) }, 'progress of the index build cannot be read');
  }
}

const isSharedMemoryTooSmall = (error: unknown): boolean =>
  /could not resize shared memory segment|No space left on device.*shared memory/i.test(messageOf(error));

function nameTaken({ wanted, target }: BuildInput, definition: string): GateError {
  return new GateError(
    `The name ${wanted.name} in schema ${target.schema} is taken by another index: ${definition}.`,
    {
      code: 'INDEX_NAME_TAKEN',
      remedy:
        'Rename or drop that index if it is not needed, or give the index options (index.m, index.efConstruction, metric) the values it was built with; then run `npm run finalize`.',
    },
  );
}
