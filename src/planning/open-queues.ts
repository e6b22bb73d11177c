/** The queues that the verbs open, and close again whatever happens. Apart from the database: `status` loads no queue. */

import type { Config } from '../config/load.ts';
import { migrate } from '../db/migrate.ts';
import type { Pool } from '../db/pool.ts';
import { messageOf } from '../errors.ts';
import { installationId } from '../ledger/backfill/installation.ts';
import { tracing } from '../observability/tracing.ts';
import type { Logger } from '../observability/logger.ts';
import { QueueClock } from '../queue/clock/queue-clock.ts';
import { assertQueueKeys } from '../queue/redis/key-types.ts';
import {
  openQueue,
  openQueues,
  prepareQueue,
  type OpenQueue,
  type QueueAddress,
  type QueueRole,
  type QueueTimes,
} from '../queue/connection.ts';
import { explainRefusal } from '../queue/faults/command-refused.ts';

/** The queue server is reachable and free for ours, the ledger is up to date; where the queues are. */
export async function prepareQueues(
  config: Config,
  pool: Pool,
  logger: Logger,
  times: QueueTimes = {},
): Promise<QueueAddress> {
  await migrate(pool);
  await prepareQueue(config.settings.queue);
  const clock = new QueueClock(times.wallClock);
  const address = {
    url: config.settings.queue,
    backfill: config.backfill,
    installation: await installationId(pool),
    logger,
    telemetry: (await tracing()).telemetry,
    times,
    clock,
  };
  await assertQueueKeys(address);
  // Before the first job: whoever does not know the server's time yet would go by this machine's.
  const { time, close } = openQueue(address, 'embed');
  try {
    await clock.measure(time);
  } catch (error) {
    logger.warn({ err: messageOf(error) }, 'the queue server does not tell its time');
  } finally {
    await close();
  }
  return address;
}

export async function withQueues<T>(
  address: QueueAddress,
  work: (queues: Record<QueueRole, OpenQueue['queue']>) => Promise<T>,
): Promise<T> {
  const opened = openQueues(address);
  const { embed, finalize, sync } = opened;
  try {
    return await work({ embed: embed.queue, finalize: finalize.queue, sync: sync.queue });
  } catch (error) {
    throw explainRefusal(address.url, error);
  } finally {
    await Promise.all(Object.values(opened).map((each) => each.close()));
  }
}
