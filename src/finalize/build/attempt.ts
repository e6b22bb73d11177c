/** One index of one table until it is valid, on a session that is prepared: for a table that is whole, or a part of one. */

import { setTimeout as delay } from 'node:timers/promises';
import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { quoteQualified } from '../../db/identifiers.ts';
import type { Pool } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { ConfigError, GateError, messageOf } from '../../errors.ts';
import type { LedgerEvent } from '../../ledger/event/event.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Target } from '../../table/backfill-target.ts';
import { buildUnderWay, describeBlockers, type BuildProgress } from './progress.ts';
import type { BuildTimings } from './timings.ts';
import type { BuildSession } from './session.ts';
import { POLL_MS, monitored } from './monitor.ts';
import { createIndexSql, dropIndexSql, findIndex, type IndexDefinition } from '../index-definition.ts';

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
  /** Before the first statement that builds: what is known of an earlier build is no longer so. */
  onBegin?: () => Promise<void>;
  /** What happened that whoever looks later should find. */
  onEvent: (event: BuildEvent) => Promise<void>;
  /** Indexes that are to be built again, by their oids when that was asked; those that have others by now are not. */
  rebuild?: readonly string[] | undefined;
  /** Between two looks at a build, ms; a second where absent. */
  pollMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** What came of it so far, over all sessions. */
export interface BuildAttempt {
  /** False where a valid index of the wanted definition was there already. */
  built: boolean;
  /** What the server said while building, such as that the graph no longer fits into memory. */
  notices: string[];
  /** How the build went, as seen from outside. */
  timings: BuildTimings;
}

export const MAX_BUILDS = 3;

/** @throws GateError where the name is taken by another index or the builds do not end, ConfigError where the server cannot build it. */
export async function untilValid(
  input: BuildInput,
  session: BuildSession,
  done: BuildAttempt,
): Promise<void> {
  const { target, wanted } = input;
  const watching = withBlockers(input);
  for (let attempt = 1; ; attempt++) {
    const found = await findIndex(session.client, target, wanted);
    if (found.kind === 'valid') return;
    if (found.kind === 'other') throw nameTaken(input, found.definition);
    if (attempt > MAX_BUILDS) throw stillInvalid(input, watching.last());
    // Somebody else may be at it, REINDEX for one, and about to make it valid.
    if (found.kind === 'invalid' && (await untilNobodyBuilds(input))) {
      const again = await findIndex(session.client, target, wanted);
      if (again.kind !== 'invalid') continue;
    }
    await buildAnew(watching.input, session, found.kind === 'invalid', done);
  }
}

/** The input with an ear on the progress: whom the build waited for when it gave up. */
export function withBlockers(input: BuildInput): { input: BuildInput; last: () => string } {
  let last = '';
  const onProgress = (progress: BuildProgress): Promise<void> => {
    if (progress.blockers.length > 0) last = describeBlockers(progress.blockers);
    return input.onProgress(progress);
  };
  return { input: { ...input, onProgress }, last: () => last };
}

/** @returns whether it had to wait. */
async function untilNobodyBuilds({ pool, target, signal, pollMs = POLL_MS }: BuildInput): Promise<boolean> {
  for (let waited = false; ; waited = true) {
    if ((await buildUnderWay(pool, target)) === null) return waited;
    await delay(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** A build that lost a race for locks, or was cancelled, leaves an invalid index, which the next round drops. */
async function buildAnew(
  input: BuildInput,
  session: BuildSession,
  hasLeftover: boolean,
  done: BuildAttempt,
): Promise<void> {
  const { target, wanted, onEvent } = input;
  try {
    if (hasLeftover) {
      await monitored(input, session, dropIndexSql(target, wanted), 'dropping an invalid leftover');
      const message = `${wanted.name} was invalid, of a build that did not end`;
      await onEvent({ level: 'info', kind: 'index.leftover-dropped', message });
    }
    if (!done.built) await input.onBegin?.();
    done.built = true;
    await monitored(input, session, createIndexSql(target, wanted), 'waiting for the table');
  } catch (error) {
    await afterFailedBuild(input, session, error, '`pgvector-backfill finalize`');
  }
}

/**
 * Another try may end where this one did not.
 * @param again what asks for it
 * @throws what none would mend
 */
export async function afterFailedBuild(
  input: BuildInput,
  session: BuildSession,
  error: unknown,
  again: string,
): Promise<void> {
  if (isSharedMemoryTooSmall(error)) await goOnAlone(input, session, error);
  else if (hasSqlState(error, SQLSTATE.lockTimeout, SQLSTATE.deadlock, SQLSTATE.queryCanceled))
    await input.onEvent({
      level: 'warn',
      kind: 'index.build-failed',
      message: `the build of ${input.wanted.name} did not end: ${messageOf(error)}`,
    });
  else if (hasSqlState(error, SQLSTATE.diskFull))
    throw new ConfigError(`The disk is full: ${messageOf(error)}.`, {
      code: 'DISK_FULL',
      remedy: `Make room, then run ${again}.`,
      cause: error,
    });
  else if (hasSqlState(error, SQLSTATE.programLimit) && messageOf(error).startsWith('memory required is'))
    throw new ConfigError(`The index build has too little memory: ${messageOf(error)}.`, {
      code: 'INDEX_MEMORY',
      remedy: `Raise ${optionName('index.maintenanceWorkMem')}, or lower ${optionName('index.lists')}; then run ${again}.`,
      cause: error,
    });
  else throw error;
}

async function goOnAlone(
  { onEvent, logger }: BuildInput,
  session: BuildSession,
  error: unknown,
): Promise<void> {
  const message = `Shared memory (/dev/shm) of the server is too small for a parallel build: going on without parallel workers. A container has 64 MB of it: start it with --shm-size (shm_size in Compose) of at least maintenance_work_mem, or set ${optionName('index.parallelWorkers')} to 0.`;
  logger.warn({ err: messageOf(error) }, message);
  await onEvent({ level: 'warn', kind: 'index.shared-memory', message, detail: { error: messageOf(error) } });
  await session.client.query('SET max_parallel_maintenance_workers = 0');
}

/** SQLSTATE 53100, as of a full disk: the function that raises it tells them apart, the words are of the server's language. */
const isSharedMemoryTooSmall = (error: unknown): boolean =>
  hasSqlState(error, SQLSTATE.diskFull) &&
  (/shared memory segment/i.test(messageOf(error)) ||
    String((error as { routine?: unknown }).routine).startsWith('dsm_impl'));

export function stillInvalid({ wanted }: BuildInput, blockers: string): GateError {
  const why = blockers === '' ? '' : ` The last of them: ${blockers}.`;
  return new GateError(`Index ${wanted.name} was still invalid after ${MAX_BUILDS} builds.${why}`, {
    code: 'INDEX_INVALID',
    remedy:
      "End the sessions that it waited for, or look at the events and the server's log for the reason, then run `pgvector-backfill finalize`.",
  });
}

export function stillWorn({ wanted }: BuildInput, blockers: string): GateError {
  const why = blockers === '' ? '' : ` The last of them: ${blockers}.`;
  return new GateError(
    `Index ${wanted.name} is still the old one after ${MAX_BUILDS} builds; searches go by it.${why}`,
    {
      code: 'INDEX_NOT_REBUILT',
      remedy:
        "End the sessions that it waited for, or look at the events and the server's log for the reason, then run `pgvector-backfill finalize --rebuild`.",
    },
  );
}

export function nameTaken({ wanted, target }: BuildInput, definition: string): GateError {
  return new GateError(
    `The name ${wanted.name} in schema ${target.store.schema} is taken by another index: ${definition}.`,
    {
      code: 'INDEX_NAME_TAKEN',
      remedy: `Drop that index if it is not needed: DROP INDEX CONCURRENTLY ${quoteQualified({ schema: target.store.schema, name: wanted.name })}; or give ${optionName('index.m')}, ${optionName('index.efConstruction')} and ${optionName('metric')} the values it was built with and run \`pgvector-backfill enqueue\`. Then run \`pgvector-backfill finalize\`.`,
    },
  );
}
