import { syncMode } from '../../ledger/changes/drain-lease.ts';
import type { JobQueue } from '../../queue/connection.ts';
import { scheduleSync, unscheduleSync } from '../../queue/jobs/producer.ts';
import type { WorkerContext } from '../context.ts';
import { keepScheduled } from '../jobs/keep-scheduled.ts';

/** Until `stop`. Of a backfill whose sync is off, by `complete` or by the configuration, nothing is to come back by itself. */
export function keepSyncScheduled(context: WorkerContext, queue: JobQueue, stop: AbortSignal): Promise<void> {
  const { pool, backfill, settings, logger } = context;
  const look = async (): Promise<void> => {
    const mode = await syncMode(pool, backfill);
    if (mode === 'off') await unscheduleSync(queue);
    else await scheduleSync(queue, settings.sync.everySeconds);
  };
  return keepScheduled(context, stop, look, (err) => logger.warn({ err }, 'sync could not be scheduled'));
}
