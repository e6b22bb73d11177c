import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { LogRateLimit } from '../../observability/log-rate-limit.ts';
import type { JobQueue } from '../../queue/connection.ts';
import { scheduleWatch, unscheduleWatch } from '../../queue/jobs/producer.ts';
import { forgetQueries } from '../../ledger/passes/watch-query.ts';
import { isWatched } from '../../watch/is-watched.ts';
import type { WorkerContext } from '../context.ts';

/** A scheduler that was lost with its Redis is back after this time; reads that have moved are found as soon. */
const SCHEDULE_MS = 60_000;

/** Until `stop`. */
export async function keepWatchScheduled(
  { pool, backfill, settings, logger, times }: WorkerContext,
  queue: JobQueue,
  stop: AbortSignal,
): Promise<void> {
  const again = new LogRateLimit();
  while (!stop.aborted) {
    try {
      // Also where nothing is measured any more: what was recorded is kept for a set time.
      const { keepQueries, keepQueriesDays } = settings.watch;
      await forgetQueries(pool, backfill, keepQueries ? keepQueriesDays : 0);
      if (await isWatched(pool, backfill, settings)) await scheduleWatch(queue, settings.watch.everySeconds);
      else await unscheduleWatch(queue);
    } catch (error) {
      const err = messageOf(error);
      // A database that takes no writes is told of by all others.
      if (!stop.aborted && again.isDue(err)) logger.warn({ err }, 'the watch could not be scheduled');
    }
    await delay(times.scheduleMs ?? SCHEDULE_MS, undefined, { signal: stop }).catch(() => {});
  }
}
