/** Builds the index: one at a time, concurrently, on a session of its own, looked after until it is valid. */

import { setTimeout as delay } from 'node:timers/promises';
import { isUnreachable } from '../../db/sqlstates.ts';
import { TransientError, messageOf } from '../../errors.ts';
import type { Pool } from '../../db/pool.ts';
import type { IndexMeasurements } from '../../ledger/run/index-measurements.ts';
import { rowsOfLargestLeaf } from '../../table/estimated-rows.ts';
import type { Target } from '../../table/backfill-target.ts';
import { walPosition } from '../../table/table-sizes.ts';
import { untilValid, type BuildInput, type BuildAttempt } from './attempt.ts';
import { BuildTimings } from './timings.ts';
import { measureBuild, measureObservedBuild } from '../forecast/measurements.ts';
import { watchNotices } from './notices.ts';
import { ATTACH_LOCKED, buildPartitioned } from './partitioned.ts';
import { buildUnderWay, sessionOf, type BuildProgress, type BuildUnderWay } from './progress.ts';
import { rebuildIndexes } from './rebuild.ts';
import { openBuildSession, prepareSession, type BuildSession } from './session.ts';
import { vacuumTable } from './vacuum.ts';
import { LOCK_WAIT_PHASE, LockHolders, type LockKey } from './lock-holder.ts';
import { POLL_MS, lookAt } from './monitor.ts';

export interface BuildResult extends BuildAttempt {
  actual: IndexMeasurements;
  /** Whether another one's build was waited for. */
  watched: boolean;
}

const FINALIZE_LOCK = 716_423;
/** PostgreSQL builds one index of a table at a time. */
const OTHER_INDEX_PHASE = 'waiting for another index of the table';
/** Sessions that may be lost one after another before the job's own retries, which wait longer in between. */
const MAX_SESSIONS = 3;

/** @throws GateError where the name is taken by another index, ConfigError where the server cannot build it. */
export async function ensureIndex(input: BuildInput): Promise<BuildResult> {
  const timings = new BuildTimings();
  const done: BuildAttempt = { built: false, notices: [], timings };
  const onProgress = (progress: BuildProgress): Promise<void> => {
    timings.observe(progress);
    return input.onProgress(progress);
  };
  for (let sessions = 1; ; sessions++) {
    try {
      const came = await ensureOnSession({ ...input, onProgress }, done);
      return { ...done, ...came };
    } catch (error) {
      const isLost =
        isUnreachable(error) || (error instanceof TransientError && error.code !== ATTACH_LOCKED);
      if (!isLost || sessions === MAX_SESSIONS) throw error;
      // The server may be building still: whoever gets the lock next sees that, and waits for it.
      await input.onEvent({
        level: 'warn',
        kind: 'index.session-lost',
        message: `the session of the index build was lost: ${messageOf(error)}`,
      });
    }
  }
}

async function ensureOnSession(
  input: BuildInput,
  done: BuildAttempt,
): Promise<Pick<BuildResult, 'actual' | 'watched'>> {
  const { settings, target, wanted } = input;
  const session = await openBuildSession(settings);
  watchNotices(input, session.client, done.notices);
  try {
    const watched = await takeBuildLock(input, session);
    const rows = await rowsOfLargestLeaf(input.pool, target.store, input.rows);
    const memoryBytes = await prepareSession({ ...input, rows }, session);
    // Through a worn index vacuum takes longer than another build of it: that one comes first then.
    const isWorn = input.rebuild !== undefined;
    if (!isWorn) await vacuumTable(input, session);
    done.timings.begin();
    const walBefore = await walPosition(session.client);
    if (isWorn) await rebuildIndexes(input, session, done);
    await (target.store.isPartitioned ? buildPartitioned : untilValid)(input, session, done);
    const { timings, notices } = done;
    const actual = done.built
      ? await measureBuild(session.client, target, wanted, { timings, notices, walBefore, memoryBytes })
      : await measureObservedBuild(session.client, target, wanted, watched);
    if (isWorn) await vacuumTable(input, session);
    return { actual, watched: watched !== null };
  } finally {
    await session.end();
  }
}

/**
 * Exactly one finalizer of a table, whatever its column: two builds CONCURRENTLY on one table wait for each other, and the
 * server ends one of them. The lock is the session's, so it is held until the server itself has let go of a build.
 * @returns the timings of the build that was waited for; null where there was none
 */
async function takeBuildLock(
  input: BuildInput,
  { client, pid }: BuildSession,
): Promise<BuildTimings['measured'] | null> {
  const { pool, target, onProgress, signal, pollMs = POLL_MS } = input;
  const key: LockKey = [FINALIZE_LOCK, target.store.table];
  let others = null as { pid: number; timings: BuildTimings } | null;
  const holders = new LockHolders(input);
  for (;;) {
    const tried = await client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken',
      key,
    );
    const taken = tried.rows[0]?.taken === true;
    const other = await buildUnderWay(pool, target);
    if (taken && other === null) return others?.timings.measured ?? null;
    if (taken) await client.query('SELECT pg_advisory_unlock($1, hashtext($2))', key);
    if (other !== null && other.isOurs && other.pid !== others?.pid) {
      others = { pid: other.pid, timings: new BuildTimings() };
      others.timings.begin(other.ageSeconds ?? 0);
    }
    // Nobody builds, and somebody has the lock: it may have been left behind on a connection that is an application's by now.
    const holder = taken || other !== null ? null : await holders.look(key);
    const progress = holder ?? (await progressOf(pool, target, other, pid));
    if (progress !== null) {
      if (other === null || other.isOurs) others?.timings.observe(progress);
      await onProgress(progress);
    }
    await delay(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** What is shown of the wait: how far a build of the very index is; of another one only whose it is. */
async function progressOf(
  pool: Pool,
  target: Target,
  other: BuildUnderWay | null,
  pid: number,
): Promise<BuildProgress | null> {
  if (other === null || other.isOurs) return lookAt(pool, target, other?.pid ?? pid, LOCK_WAIT_PHASE);
  const blockers = await sessionOf(pool, other.pid);
  return { phase: OTHER_INDEX_PHASE, share: null, blockers, workers: 0 };
}
