/** Nothing of a backfill is under way any more: first told to stop, then waited for. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../db/pool.ts';
import { GateError } from '../errors.ts';
import { buildUnderWay } from '../finalize/build/progress.ts';
import { isDraining } from '../ledger/changes/drain-lease.ts';
import type { JobQueue } from '../queue/connection.ts';
import type { Target } from '../table/backfill-target.ts';

export type Queues = Record<'embed' | 'finalize' | 'sync', JobQueue>;

const LOOK_MS = 250;

/** In words, what is still at work; null where nothing is. */
export async function workInProgress(
  pool: Pool,
  target: Target,
  queues: Queues,
  present = true,
): Promise<string | null> {
  for (const queue of Object.values(queues)) {
    const active = await queue.getActiveCount();
    // Jobs of workers that were killed stand as active until another worker looks: without one they are nobody's.
    if (active > 0 && (await queue.getWorkersCount()) > 0) return `${active} jobs of ${queue.name}`;
  }
  if (await isDraining(pool, target.backfill)) return 'a drain of captured changes';
  return present ? buildInProgress(pool, target) : null;
}

async function buildInProgress(pool: Pool, target: Target): Promise<string | null> {
  const build = await buildUnderWay(pool, target);
  if (build === null) return null;
  return build.isOurs ? 'an index build' : ANOTHER_BUILD;
}

/** It holds a lock that keeps columns and triggers as they are. */
const ANOTHER_BUILD = 'the build of another index of the table';

/**
 * @param changesTable what is to be done takes locks that no index build of the table lets through
 * @throws GateError where something is still at work after that time.
 */
export async function waitUntilIdle(
  pool: Pool,
  target: Target,
  queues: Queues,
  patienceMs: number,
  present = true,
  changesTable = true,
): Promise<void> {
  await untilNothing(patienceMs, async () => {
    const busy = await workInProgress(pool, target, queues, present);
    return busy === ANOTHER_BUILD && !changesTable ? null : busy;
  });
}

/**
 * Before triggers are changed: an index build lets nobody at them, and each try would keep the application's writers waiting in vain.
 * @throws GateError where one is under way after that time.
 */
export const untilNoBuild = (pool: Pool, target: Target, patienceMs: number): Promise<void> =>
  untilNothing(patienceMs, () => buildInProgress(pool, target));

async function untilNothing(patienceMs: number, look: () => Promise<string | null>): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const busy = await look();
    if (busy === null) return;
    if (performance.now() > end)
      throw new GateError(`Workers are still at work: ${busy}.`, {
        code: 'WORKERS_BUSY',
        remedy:
          'Stop the workers (SIGTERM drains them) or wait for the index build to end, then do it again: what is done already stays done.',
      });
    await delay(LOOK_MS);
  }
}
