/** The step of `complete` that takes change capture off: triggers, function, scheduler. */

import { untilNoBuild } from './wait-until-idle.ts';
import { shownSql, type PlannedStep } from './planned-steps.ts';
import type { Pool } from '../db/pool.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { saveSyncMode, syncState } from '../ledger/changes/drain-lease.ts';
import type { JobQueue } from '../queue/connection.ts';
import { isSyncScheduled, unscheduleSync } from '../queue/jobs/producer.ts';
import { missingCapture } from '../sync/capture.ts';
import { releaseCapture } from '../sync/release-capture.ts';
import type { Target } from '../table/backfill-target.ts';

/** @param patienceMs for an index build of the table, under which no trigger can be dropped */
export async function planDropSync(
  pool: Pool,
  target: Target,
  queue: JobQueue,
  patienceMs: number,
): Promise<PlannedStep> {
  const statements = await missingCapture(pool, target, 'off');
  const { mode, pending } = await syncState(pool, target.backfill);
  const actions = statements.map(shownSql);
  if (mode !== 'off') actions.push('set sync.mode to off in the ledger: workers stop looking for changes');
  if (await isSyncScheduled(queue)) actions.push('remove the job scheduler sync from the queue');
  const notes: string[] = [];
  if (actions.length > 0) {
    notes.push(
      'From then on new and edited rows get no vector. A later `pgvector-backfill enqueue` puts capture back, unless sync.mode is off.',
    );
    if (pending > 0)
      notes.push(
        `${pending} captured changes are still to do: let a worker drain them first (pgvector-backfill status shows them).`,
      );
  }
  return {
    name: 'drop-sync',
    actions,
    notes,
    async run() {
      // First, and the triggers looked at behind it: a worker arms them again as long as the ledger says so.
      await saveSyncMode(pool, target.backfill, 'off', 'dropped by complete');
      if (statements.length > 0) await untilNoBuild(pool, target, patienceMs);
      await releaseCapture(pool, target);
      await unscheduleSync(queue);
      const detail = { statements, pending };
      await recordEvent(pool, {
        backfill: target.backfill,
        run: null,
        level: 'info',
        kind: 'sync.dropped',
        message: 'change capture was taken off',
        detail,
      });
    },
  };
}
