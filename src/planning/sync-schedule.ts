/** The schedule of sync, as `enqueue` leaves it: captured changes that wait for too long beat what it says. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { SYNCED_STATES, latestRun } from '../ledger/run/run.ts';
import { lateSeconds, syncState } from '../ledger/changes/drain-lease.ts';
import { duration } from '../observability/format.ts';
import type { JobQueue } from '../queue/connection.ts';
import { jobsInLine, scheduleSync } from '../queue/jobs/producer.ts';
import type { Target } from '../table/backfill-target.ts';

/** @returns what was wrong with the schedule, as sentences */
export async function ensureSyncSchedule(
  { pool, target, settings }: { pool: Pool; target: Target; settings: Settings },
  sync: JobQueue,
): Promise<string[]> {
  const { oldestSeconds } = await syncState(pool, target.backfill);
  const run = await latestRun(pool, target.backfill);
  // Of a run that is paused or has failed, changes wait as they should.
  const lag = run !== null && SYNCED_STATES.includes(run.state) ? (oldestSeconds ?? 0) : 0;
  const isLate = lag > lateSeconds(settings.sync.everySeconds) && (await jobsInLine(sync)) === 0;
  const wrong = await scheduleSync(sync, settings.sync.everySeconds, isLate);
  if (wrong !== '') return [`${wrong}: it is due now`];
  if (!isLate) return [];
  return [
    `captured changes have waited for ${duration(lag)}: sync is due now; it takes a worker with the role sync`,
  ];
}
