/** What becomes of a finalize job that did not come to its end. */

import { UnrecoverableError, type Job } from 'bullmq';
import { hidesRows } from '../../db/row-security.ts';
import { explainedByServer } from '../../db/explained-error.ts';
import { classify, isUnreachable } from '../../db/sqlstates.ts';
import { messageOf } from '../../errors.ts';
import { findRun, type Run } from '../../ledger/run/run.ts';
import { setRunReason } from '../../ledger/run/move-run.ts';
import type { Logger } from '../../observability/logger.ts';
import { isStopped } from '../../pipeline/count-table.ts';
import type { FinalizeJob } from '../../queue/jobs/payloads.ts';
import { isHeld } from '../../throttle/throttle.ts';
import type { WorkerContext } from '../context.ts';
import { remedyOf } from '../jobs/remedy.ts';
import { stopRun } from '../jobs/stop-run.ts';
import { waitAgain } from '../jobs/wait-again.ts';

/**
 * Held by the throttle, it waits on the queue; a fault of the configuration stops the run, any other is one attempt.
 * @returns where the run was stopped meanwhile
 */
export async function afterFailure(
  context: WorkerContext,
  run: Run,
  { job, token, logger }: { job: Pick<Job, 'moveToWait'>; token: string | undefined; logger: Logger },
  raised: unknown,
): Promise<{ notDone: string }> {
  const { pool, throttle } = context;
  const error = isUnreachable(raised) ? raised : await explainedByServer(pool, raised);
  const reason = `finalizer: ${messageOf(error)}`;
  if (hidesRows(error) && (await throttle.holdsNow())) {
    await setRunReason(pool, run.id, reason).catch(() => {});
    // Until every row is to be seen again, or the worker is shut down.
    await throttle.pass().catch(() => false);
    return waitAgain(job, token);
  }
  if (isHeld(error)) return waitAgain(job, token);
  if (isStopped(error)) return { notDone: 'the run was stopped' };
  logger.error({ err: messageOf(error), class: classify(error) }, 'finalizer');
  if (isUnreachable(error)) throw error;
  if (classify(error) !== 'configuration') {
    await setRunReason(pool, run.id, reason).catch(() => {});
    throw error;
  }
  await stopRun(context, run, reason + remedyOf(error));
  throw new UnrecoverableError(messageOf(error));
}

/** The queue has no attempts left, and nobody would call again: a run that stood in `finalizing` would do so for ever. */
export async function giveUpFinalizer(
  context: WorkerContext,
  data: FinalizeJob,
  attempts: number,
  error: Error,
): Promise<void> {
  try {
    const run = await findRun(context.pool, data.run);
    if (run === null) return;
    const reason = `finalizer: ${messageOf(error).replace(/\.$/, '')}, at the last of ${attempts} attempts. See to the cause, then run \`pgvector-backfill finalize\`.`;
    await stopRun(context, run, reason);
  } catch (ledgerError) {
    context.logger.error(
      { err: messageOf(ledgerError) },
      'the end of the finalizer could not be written down',
    );
  }
}
