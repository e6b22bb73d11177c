import { messageOf } from '../../errors.ts';
import { findRun } from '../../ledger/run/run.ts';
import { addOwedFinalizer } from '../../planning/reconcile.ts';
import type { JobQueue } from '../../queue/connection.ts';
import type { FinalizeJob } from '../../queue/jobs/payloads.ts';
import type { WorkerContext } from '../context.ts';

/** Whoever called while this job was about to end found it on the queue still, and added no other. */
export async function callFinalizerAgain(
  { pool, logger }: WorkerContext,
  queue: JobQueue,
  data: FinalizeJob,
): Promise<void> {
  try {
    const run = await findRun(pool, data.run);
    if (run !== null && run.finalizerCalls > run.finalizerAnswered) await addOwedFinalizer(pool, queue, run);
  } catch (error) {
    // The call stays unanswered in the ledger, so that it is found when ledger and queue are compared next.
    logger.warn({ err: messageOf(error) }, 'the finalizer could not be called again');
  }
}
