/** A run stops between batches, and goes on. Kept in PostgreSQL, so that every worker on every machine sees it. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { finalizeWhenDue } from '../finalize/trigger.ts';
import { resetBreaker } from '../ledger/run/breaker.ts';
import { recordEvent, recordMended } from '../ledger/event/event.ts';
import { OPEN_STATES, findRun, type Run } from '../ledger/run/run.ts';
import { pauseRun, unpauseRun } from '../ledger/run/move-run.ts';
import type { JobQueue } from '../queue/connection.ts';
import { resumeQueues } from '../queue/probes/blockers.ts';
import { addUnfinished } from './retry.ts';

/** Batches in flight end; no other is begun. @returns the run as it is then. */
export async function pause(pool: Pool, run: Run, reason: string): Promise<Run> {
  if (await pauseRun(pool, run.id, OPEN_STATES, reason))
    await recordEvent(pool, {
      backfill: run.backfill,
      run: run.id,
      level: 'info',
      kind: 'run.paused',
      message: reason,
    });
  return (await findRun(pool, run.uid)) ?? run;
}

export interface Resumed extends Run {
  /** What kept jobs that are on the queue from being done, and does no more: sentences. */
  mended: string[];
}

/**
 * A paused run goes on where it was; one that failed is tried again, as whoever resumes it says that the cause is
 * repaired. Jobs that the queue no longer has are put on it again, and a queue that somebody else has paused goes on.
 * @returns the run as it is then.
 */
export async function resume(
  {
    pool,
    settings,
    queues,
  }: { pool: Pool; settings: Settings; queues: { embed: JobQueue; finalize: JobQueue; sync: JobQueue } },
  run: Run,
): Promise<Resumed> {
  if (await unpauseRun(pool, run.id)) {
    await resetBreaker(pool, run.id);
    await recordEvent(pool, {
      backfill: run.backfill,
      run: run.id,
      level: 'info',
      kind: 'run.resumed',
      message: `was ${run.state}: ${run.reason}`,
    });
  }
  const mended = await resumeQueues([queues.embed, queues.finalize, queues.sync]);
  for (const message of mended) await recordMended(pool, run.backfill, run.id, message);
  const added = await addUnfinished(pool, settings, queues.embed, run);
  const resumed = (await findRun(pool, run.uid)) ?? run;
  // It stood behind its last batch: no batch will call the finalizer.
  if (added === 0) await finalizeWhenDue(pool, settings, queues.finalize, resumed);
  return { ...resumed, mended };
}
