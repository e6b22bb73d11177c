import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { syncMode } from '../../ledger/changes/drain-lease.ts';
import type { JobQueue } from '../../queue/connection.ts';
import { scheduleSync, unscheduleSync } from '../../queue/jobs/producer.ts';
import type { WorkerContext } from '../context.ts';

/** A scheduler that was lost with its Redis is back after this time. */
const SCHEDULE_MS = 60_000;

/** Until `stop`. Of a backfill whose sync is off, by `complete` or by the configuration, nothing is to come back by itself. */
export async function keepSyncScheduled(
  { pool, backfill, settings, logger, times }: WorkerContext,
  queue: JobQueue,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    try {
      const mode = await syncMode(pool, backfill);
      if (mode === 'off') await unscheduleSync(queue);
      else await scheduleSync(queue, settings.sync.everySeconds);
    } catch (error) {
      if (!stop.aborted) logger.warn({ err: messageOf(error) }, 'sync could not be scheduled');
    }
    await delay(times.scheduleMs ?? SCHEDULE_MS, undefined, { signal: stop }).catch(() => {});
  }
}
