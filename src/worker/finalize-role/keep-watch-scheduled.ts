import { LogRateLimit } from '../../observability/log-rate-limit.ts';
import type { JobQueue } from '../../queue/connection.ts';
import { scheduleWatch, unscheduleWatch } from '../../queue/jobs/producer.ts';
import { forgetQueries } from '../../ledger/passes/watch-query.ts';
import { isWatched } from '../../watch/is-watched.ts';
import type { WorkerContext } from '../context.ts';
import { keepScheduled } from '../jobs/keep-scheduled.ts';

/** Until `stop`. */
export function keepWatchScheduled(
  context: WorkerContext,
  queue: JobQueue,
  stop: AbortSignal,
): Promise<void> {
  const { pool, backfill, settings, logger } = context;
  const again = new LogRateLimit();
  const look = async (): Promise<void> => {
    // Also where nothing is measured any more: what was recorded is kept for a set time.
    const { keepQueries, keepQueriesDays } = settings.watch;
    await forgetQueries(pool, backfill, keepQueries ? keepQueriesDays : 0);
    if (await isWatched(pool, backfill, settings)) await scheduleWatch(queue, settings.watch.everySeconds);
    else await unscheduleWatch(queue);
  };
  return keepScheduled(context, stop, look, (err) => {
    // A database that takes no writes is told of by all others.
    if (again.isDue(err)) logger.warn({ err }, 'the watch could not be scheduled');
  });
}
