import { messageOf } from '../../errors.ts';
import { finalizeWhenDue } from '../../finalize/trigger.ts';
import { markFailed } from '../../ledger/batch/batch.ts';
import { tooManyFailures } from '../../ledger/run/breaker.ts';
import { recordEvent } from '../../ledger/event/event.ts';
import { OPEN_STATES, findRun } from '../../ledger/run/run.ts';
import type { EmbedJob } from '../../queue/jobs/payloads.ts';
import { tripBreaker } from './breaker.ts';
import type { EmbedRole } from './embed-batch.ts';

/** The queue has no attempts left. A run that failed keeps its batches pending: they are not to blame. */
export async function giveUpBatch(
  { context, queues }: EmbedRole,
  data: EmbedJob,
  error: Error,
): Promise<void> {
  const { pool, settings, backfill, logger } = context;
  try {
    const run = await findRun(pool, data.run);
    if (run === null || !OPEN_STATES.includes(run.state)) return;
    await markFailed(pool, data.run, data.batch, messageOf(error));
    await recordEvent(pool, {
      backfill,
      run: run.id,
      level: 'error',
      kind: 'batch.failed',
      message: messageOf(error),
      detail: { batch: data.batch },
    });
    const verdict = await tooManyFailures(pool, run.id);
    if (verdict !== null) await tripBreaker(context, run, verdict);
    else await finalizeWhenDue(pool, settings, queues.finalize, run);
  } catch (ledgerError) {
    // The batch stays unfinished in the ledger, so the next `enqueue` finds it all the same.
    logger.error(
      { err: messageOf(ledgerError), batch: data.batch },
      'the failure of a batch could not be written down',
    );
  }
}
