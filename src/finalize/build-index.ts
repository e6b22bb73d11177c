/** Builds the index: one at a time, concurrently, on a session of its own, looked after until it is valid. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { SQLSTATE, hasSqlState, isUnreachable } from '../db/sqlstates.ts';
import { ConfigError, GateError, TransientError, messageOf } from '../errors.ts';
import type { LedgerEvent } from '../ledger/event.ts';
import type { IndexActual } from '../ledger/index-figures.ts';
import type { Logger } from '../observability/logger.ts';
import type { Target } from '../table/target.ts';
import { measureBuild, walPosition } from './build-figures.ts';
import { watchNotices } from './build-notices.ts';
import { buildUnderWay, describeBlockers, type BuildProgress } from './build-progress.ts';
import { openBuildSession, prepareSession, type BuildSession } from './build-session.ts';
import { POLL_MS, lookAt, watched } from './build-watch.ts';
import { createIndexSql, dropIndexSql, findIndex, type IndexDefinition } from './index-definition.ts';

export type BuildEvent = Pick<LedgerEvent, 'level' | 'kind' | 'message' | 'detail'>;

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
  /** What happened that whoever looks later should find. */
  onEvent: (event: BuildEvent) => Promise<void>;
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
/** Sessions that may be lost one after another before the job's own retries, which wait longer in between. */
const MOST_SESSIONS = 3;

/** @throws GateError where the name is taken by another index, ConfigError where the server cannot build it. */
export async function ensureIndex(input: BuildInput): Promise<BuildResult> {
  const started = performance.now();
  const done: Done = { built: false, notices: [] };
  for (let sessions = 1; ; sessions++) {
    try {
      const actual = await ensureOnSession(input, done, started);
      return { ...done, seconds: (performance.now() - started) / 1000, actual };
    } catch (error) {
      const isLost = error instanceof TransientError || isUnreachable(error);
      if (!isLost || sessions === MOST_SESSIONS) throw error;
      // The server may be building still: whoever takes the next turn sees that, and waits for it.
      await input.onEvent({
        level: 'warn',
        kind: 'index.session-lost',
        message: `the session of the index build was lost: ${messageOf(error)}`,
      });
    }
  }
}

type Done = Pick<BuildResult, 'built' | 'notices'>;

/** @param started of `performance.now()` */
async function ensureOnSession(input: BuildInput, done: Done, started: number): Promise<IndexActual | null> {
  const { settings, target, wanted } = input;
  const session = await openBuildSession(settings);
  watchNotices(input, session.client, done.notices);
  const watching = withBlockers(input);
  try {
    await takeTurn(input, session);
    await prepareSession(input, session);
    const walBefore = await walPosition(session.client);
    for (let attempt = 1; ; attempt++) {
      const found = await findIndex(session.client, target, wanted);
      if (found.kind === 'valid') {
        if (!done.built) return null;
        const seconds = (performance.now() - started) / 1000;
        return await measureBuild(session.client, target, wanted, {
          seconds,
          notices: done.notices,
          walBefore,
        });
      }
      if (found.kind === 'other') throw nameTaken(input, found.definition);
      if (attempt > MOST_BUILDS) throw stillInvalid(input, watching.last());
      // Somebody else may be at it, REINDEX for one, and about to make it valid.
      if (found.kind === 'invalid' && (await untilNobodyBuilds(input))) {
        const again = await findIndex(session.client, target, wanted);
        if (again.kind !== 'invalid') continue;
      }
      await buildAnew(watching.input, session, found.kind === 'invalid', done);
    }
  } finally {
    await session.end();
  }
}

/** The input with an ear on the progress: whom the build waited for when it gave up. */
function withBlockers(input: BuildInput): { input: BuildInput; last: () => string } {
  let last = '';
  const onProgress = (progress: BuildProgress): Promise<void> => {
    if (progress.blockers.length > 0) last = describeBlockers(progress.blockers);
    return input.onProgress(progress);
  };
  return { input: { ...input, onProgress }, last: () => last };
}

/** Exactly one finalizer: the lock is the session's, so it is held until the server itself has let go of a build. */
async function takeTurn(input: BuildInput, { client, pid }: BuildSession): Promise<void> {
  const { pool, target, onProgress, signal } = input;
  const key = [FINALIZE_LOCK, `${target.table} ${target.column}`];
  for (;;) {
    const tried = await client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken',
      key,
    );
    const taken = tried.rows[0]?.taken === true;
    const other = await buildUnderWay(pool, target);
    if (taken && other === null) return;
    if (taken) await client.query('SELECT pg_advisory_unlock($1, hashtext($2))', key);
    const progress = await lookAt(pool, target, other?.pid ?? pid, 'waiting for another finalizer');
    if (progress !== null) await onProgress(progress);
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** @returns whether it had to wait. */
async function untilNobodyBuilds({ pool, target, signal }: BuildInput): Promise<boolean> {
  for (let waited = false; ; waited = true) {
    if ((await buildUnderWay(pool, target)) === null) return waited;
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** A build that lost a race for locks, or was cancelled, leaves an invalid index, which the next round drops. */
async function buildAnew(
  input: BuildInput,
  session: BuildSession,
  hasLeftover: boolean,
  done: Done,
): Promise<void> {
  const { target, wanted, onEvent } = input;
  try {
    if (hasLeftover) {
      await watched(input, session, dropIndexSql(target, wanted), 'dropping an invalid leftover');
      const message = `${wanted.name} was invalid, of a build that did not end`;
      await onEvent({ level: 'info', kind: 'index.leftover-dropped', message });
    }
    done.built = true;
    await watched(input, session, createIndexSql(target, wanted), 'waiting for the table');
  } catch (error) {
    if (isSharedMemoryTooSmall(error)) await goOnAlone(input, session, error);
    else if (hasSqlState(error, SQLSTATE.lockTimeout, SQLSTATE.deadlock, SQLSTATE.queryCanceled))
      await onEvent({
        level: 'warn',
        kind: 'index.build-failed',
        message: `the build of ${wanted.name} did not end: ${messageOf(error)}`,
      });
    else if (hasSqlState(error, SQLSTATE.diskFull))
      throw new ConfigError(`The disk is full: ${messageOf(error)}.`, {
        code: 'DISK_FULL',
        remedy: 'Make room, then run `npm run finalize`.',
        cause: error,
      });
    else if (hasSqlState(error, SQLSTATE.programLimit) && messageOf(error).startsWith('memory required is'))
      throw new ConfigError(`The index build has too little memory: ${messageOf(error)}.`, {
        code: 'INDEX_MEMORY',
        remedy:
          'Raise index.maintenanceWorkMem (env BACKFILL_INDEX_MAINTENANCE_WORK_MEM), or lower index.lists; then run `npm run finalize`.',
        cause: error,
      });
    else throw error;
  }
}

async function goOnAlone(
  { onEvent, logger }: BuildInput,
  session: BuildSession,
  error: unknown,
): Promise<void> {
  const message =
    'Shared memory (/dev/shm) of the server is too small for a parallel build: going on without parallel workers. A container has 64 MB of it: start it with --shm-size (shm_size in Compose) of at least maintenance_work_mem, or set index.parallelWorkers to 0.';
  logger.warn({ err: messageOf(error) }, message);
  await onEvent({ level: 'warn', kind: 'index.shared-memory', message, detail: { error: messageOf(error) } });
  await session.client.query('SET max_parallel_maintenance_workers = 0');
}

/** SQLSTATE 53100, as of a full disk: only the words tell them apart. */
const isSharedMemoryTooSmall = (error: unknown): boolean =>
  hasSqlState(error, SQLSTATE.diskFull) && /shared memory segment/i.test(messageOf(error));

function stillInvalid({ wanted }: BuildInput, blockers: string): GateError {
  const why = blockers === '' ? '' : ` The last of them: ${blockers}.`;
  return new GateError(`Index ${wanted.name} was still invalid after ${MOST_BUILDS} builds.${why}`, {
    code: 'INDEX_INVALID',
    remedy:
      "End the sessions that it waited for, or look at the events and the server's log for the reason, then run `npm run finalize`.",
  });
}

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
