/** Looks after a statement of the build's session from another one: how far it is, whom it waits for, whether it is there. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../../db/pool.ts';
import { TransientError, messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Target } from '../../table/backfill-target.ts';
import { blockersOf, buildUnderWay, shareOf, vacuumUnderWay, type BuildProgress } from './progress.ts';
import type { BuildSession } from './session.ts';

export interface MonitorInput {
  pool: Pool;
  target: Target;
  logger: Logger;
  onProgress: (progress: BuildProgress) => Promise<void>;
  /** Between two looks, ms; a second where absent. */
  pollMs?: number | undefined;
}

export const POLL_MS = 1000;
/** Looks in a row at which nobody is at the statement: an answer may be on its way for one of them. */
const MAX_LOST_LOOKS = 3;

/**
 * Runs one statement on the session. Where the server is done with it, or has lost the session, and no answer came, the
 * network has swallowed it.
 * @param phase what it is called until the server shows a phase of its own
 * @throws TransientError with code BUILD_LOST then; whatever the statement throws else
 */
export async function monitored(
  input: MonitorInput,
  session: BuildSession,
  sql: string,
  phase: string,
): Promise<void> {
  const over = new AbortController();
  const lost = watch(input, session, phase, over.signal);
  const statement = session.client.query(sql);
  // Where the session is given up, this one fails later, with nobody left to hear it.
  statement.catch(() => {});
  try {
    await Promise.race([statement, lost.then((isLost) => (isLost ? giveUp(input, session) : statement))]);
  } finally {
    over.abort();
    await lost;
  }
}

/** One look at a time: where the server answers only after the build, there is one late look and no pile of them. */
async function watch(
  { pool, target, onProgress, logger, pollMs = POLL_MS }: MonitorInput,
  { pid }: BuildSession,
  phase: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (let lostLooks = 0; lostLooks < MAX_LOST_LOOKS;) {
    try {
      await delay(pollMs, undefined, { signal });
      const progress = await lookAt(pool, target, pid, phase);
      const busy = progress !== null || (await isBusy(pool, pid));
      lostLooks = busy ? 0 : lostLooks + 1;
      if (progress !== null && !signal.aborted) await onProgress(progress);
    } catch (error) {
      if (signal.aborted) return false;
      logger.warn({ err: messageOf(error) }, 'progress of the index build cannot be read');
    }
    if (signal.aborted) return false;
  }
  return true;
}

/** Null where that process neither builds nor waits. */
export async function lookAt(
  pool: Pool,
  target: Target,
  pid: number,
  phase: string,
): Promise<BuildProgress | null> {
  const blockers = await blockersOf(pool, pid);
  const build = await buildUnderWay(pool, target, pid);
  if (build !== null) return { phase: build.phase, share: shareOf(build), blockers, workers: build.workers };
  const vacuum = await vacuumUnderWay(pool, pid);
  if (vacuum !== null) return { ...vacuum, blockers, workers: 0 };
  return blockers.length === 0 ? null : { phase, share: null, blockers, workers: 0 };
}

async function isBusy(pool: Pool, pid: number): Promise<boolean> {
  const found = await pool.query<{ busy: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state IS DISTINCT FROM 'idle') AS busy`,
    [pid],
  );
  return found.rows[0]?.busy ?? false;
}

/** Ends the session's process only where it is idle: a build that goes on is left to end. */
async function giveUp({ pool, logger }: MonitorInput, { pid }: BuildSession): Promise<never> {
  logger.warn({ pid }, 'the session of the index build is lost');
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid = $1 AND state = 'idle' AND datname = current_database() AND usename = current_user
        AND application_name = 'pgvector-backfill finalizer'`,
    [pid],
  );
  throw new TransientError('The session of the index build is lost, and nothing is built any more.', {
    code: 'BUILD_LOST',
  });
}
