/** Jobs that are none of ours: forged, of another version, or cut off. */

import { UnrecoverableError, type Job } from 'bullmq';
import { messageOf } from '../../errors.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { LogRateLimit } from '../../observability/log-rate-limit.ts';
import type { QueueRole } from '../../queue/connection.ts';
import type { JobData } from '../../queue/jobs/payloads.ts';
import type { WorkerContext } from '../context.ts';

/** What such a job calls itself is written down only where it is harmless. */
const PLAIN_ID = /^[\w.-]{1,100}$/;

/** Of a queue, its jobs that came without anything that was said of them. */
const lost = new WeakMap<WorkerContext['address'], LogRateLimit>();

/** Its server has evicted it, all but its place in a list: thousands go so at once, and each comes again by the ledger. */
async function noteLost({ pool, backfill, address, logger }: WorkerContext, role: QueueRole): Promise<void> {
  const again = lost.get(address) ?? new LogRateLimit();
  lost.set(address, again);
  if (!again.isDue(role)) return;
  const message = `jobs of the ${role} queue have lost their data, as by a server that evicts keys (maxmemory-policy other than noeviction) or was restarted without its log: what is to do by the ledger is put on the queue again`;
  logger.warn({ queue: role }, message);
  await recordEvent(pool, { backfill, run: null, level: 'warn', kind: 'job.lost', message }).catch(() => {});
}

/**
 * Put aside as failed, with a note in the ledger: no attempt can make it right, and the ledger still has what was to do.
 * @returns what to throw.
 */
export async function refuseJob(
  context: WorkerContext,
  role: QueueRole,
  job: Job<JobData>,
): Promise<UnrecoverableError> {
  const { pool, backfill, logger } = context;
  if (!job.name) {
    await noteLost(context, role);
    return new UnrecoverableError('its data was lost from the queue; the ledger has what is to do');
  }
  const id = PLAIN_ID.test(job.id ?? '') ? (job.id ?? '') : '(unreadable)';
  const message = `a job of the ${role} queue was refused: its data is not of this version, or not ours`;
  const detail = { job: id, queue: role, class: 'payload' };
  logger.warn({ job: id, role, class: detail.class }, 'job refused');
  await recordEvent(pool, { backfill, run: null, level: 'warn', kind: 'job.refused', message, detail }).catch(
    (error: unknown) => logger.warn({ err: messageOf(error) }, 'the refusal could not be written down'),
  );
  return new UnrecoverableError(
    `${message}. Run \`pgvector-backfill enqueue\` to put what is missing on the queue.`,
  );
}
