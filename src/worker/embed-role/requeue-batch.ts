import { messageOf } from '../../errors.ts';
import { unfinishedBatches } from '../../ledger/batch/batch.ts';
import { OPEN_STATES, findRun } from '../../ledger/run/run.ts';
import type { EmbedJob } from '../../queue/jobs/payloads.ts';
import { addEmbedJobs } from '../../queue/jobs/producer.ts';
import type { EmbedRole } from './embed-batch.ts';

/** Whoever resumed the run while this job was ending found it on its way still, and added no other. */
export async function requeueBatch({ context, queues }: EmbedRole, data: EmbedJob): Promise<void> {
  const { pool, settings, logger } = context;
  try {
    const run = await findRun(pool, data.run);
    if (run === null || !OPEN_STATES.includes(run.state)) return;
    const [batch] = await unfinishedBatches(pool, run.id, data.batch - 1, 1);
    if (batch?.number === data.batch)
      await addEmbedJobs(queues.embed, run.uid, [batch], settings.attempts, false);
  } catch (error) {
    // The batch stays unfinished in the ledger, so the next `enqueue` finds it all the same.
    logger.warn({ err: messageOf(error), batch: data.batch }, 'a batch could not be put on the queue again');
  }
}
