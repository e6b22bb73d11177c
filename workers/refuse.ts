/** Jobs that are none of ours: forged, of another version, or cut off. */

import { UnrecoverableError, type Job } from 'bullmq';
import { messageOf } from '../src/errors.ts';
import { recordEvent } from '../src/ledger/event.ts';
import type { QueueRole } from '../src/queue/connection.ts';
import type { JobData } from '../src/queue/jobs.ts';
import type { WorkerContext } from './context.ts';

/** What such a job calls itself is written down only where it is harmless. */
const PLAIN_ID = /^[\w.-]{1,100}$/;

/**
 * Put aside as failed, with a note in the ledger: no attempt can make it right, and the ledger still has what was to do.
 * @returns what to throw.
 */
export async function refuseJob(
  { pool, backfill, logger }: WorkerContext,
  role: QueueRole,
  job: Job<JobData>,
): Promise<UnrecoverableError> {
  const id = PLAIN_ID.test(job.id ?? '') ? (job.id ?? '') : '(unreadable)';
  const message = `a job of the ${role} queue was refused: its data is not of this version, or not ours`;
  const detail = { job: id, queue: role, class: 'payload' };
  logger.warn(detail, 'job refused');
  await recordEvent(pool, { backfill, run: null, level: 'warn', kind: 'job.refused', message, detail }).catch(
    (error: unknown) => logger.warn({ err: messageOf(error) }, 'the refusal could not be written down'),
  );
  return new UnrecoverableError(`${message}. Run \`npm run enqueue\` to put what is missing on the queue.`);
}
