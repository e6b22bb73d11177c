/** Jobs of another database: one that has been copied, or has got the name of another, while the queue is the same. */

import { DelayedError, type Job } from 'bullmq';
import { recordEvent } from '../../ledger/event/event.ts';
import { installationId } from '../../ledger/backfill/installation.ts';
import type { QueueRole } from '../../queue/connection.ts';
import type { JobData } from '../../queue/jobs/payloads.ts';
import type { WorkerContext } from '../context.ts';

/** Until a worker of its own database may find it. */
const GIVE_BACK_MS = 5000;

const told = new WeakSet<WorkerContext['address']>();

/**
 * Nothing is done and no attempt is burnt: the job stays on the queue for a worker of its own database.
 * @throws DelayedError where the job is of another database than this worker is connected to now
 */
export async function giveBackOthers(
  { pool, backfill, address, logger, times }: WorkerContext,
  role: QueueRole,
  job: Job<JobData>,
  data: JobData,
  token: string | undefined,
): Promise<void> {
  if (data.database === undefined || data.database === (await installationId(pool))) return;
  if (!told.has(address)) {
    told.add(address);
    const message = `jobs of another database are on the ${role} queue: they are left to its workers. Give each database a queue of its own, and start workers again where a database was renamed or put in the place of another`;
    logger.warn({ role }, message);
    await recordEvent(pool, { backfill, run: null, level: 'warn', kind: 'job.given-back', message }).catch(
      () => {},
    );
  }
  await job.moveToDelayed(Date.now() + (times.giveBackMs ?? GIVE_BACK_MS), token);
  throw new DelayedError();
}
