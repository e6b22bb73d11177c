/** Before the index and behind it: what writers have left to do, as far as batches do not do it. */

import type { Settings } from '../../config/settings.ts';
import { messageOf } from '../../errors.ts';
import { unfinishedBatches } from '../../ledger/batch/batch.ts';
import { OPEN_STATES, type Run } from '../../ledger/run/run.ts';
import { syncMode } from '../../ledger/changes/drain-lease.ts';
import type { Logger } from '../../observability/logger.ts';
import { IdenticalVectorsCheck } from '../../pipeline/identical-vectors.ts';
import { catchUp } from '../../sync/catch-up.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { FinalizeRole } from './role.ts';

export interface PlannedRun {
  run: Run;
  target: Target;
  settings: Settings;
  logger: Logger;
  signal: AbortSignal | undefined;
}

/** @returns what settles the run, and says false where batches are still to do */
export function settlerOf(role: FinalizeRole, planned: PlannedRun): () => Promise<boolean> {
  const { pool, backfill } = role.context;
  let swept = false;
  return async () => {
    const [open] = await unfinishedBatches(pool, planned.run.id, 0, 1);
    if (open !== undefined) return false;
    // Once it was swept, a trigger leaves nothing to a second sweep.
    const sweep = !swept || (await syncMode(pool, backfill)) !== 'trigger';
    await settleWithModel(role, planned, sweep);
    swept = true;
    return true;
  };
}

/** With the model that the gate needs anyway; where it is not here, or not the run's, what is captured is left to sync. */
async function settleWithModel(
  { context, openEmbedder }: FinalizeRole,
  { run, target, settings, logger, signal }: PlannedRun,
  sweep: boolean,
): Promise<void> {
  const { pool, throttle, times } = context;
  const embedder = await openEmbedder().catch((error: unknown) => {
    logger.warn({ err: messageOf(error) }, 'no gap sweep: the model is not here');
    return null;
  });
  if (embedder === null) return;
  try {
    if (embedder.fingerprint !== run.fingerprint || !OPEN_STATES.includes(run.state)) return;
    await catchUp(
      { pool, target, settings, embedder, logger, collapse: new IdenticalVectorsCheck(), throttle },
      run,
      sweep,
      signal,
      times.passMs,
    );
  } finally {
    await embedder.close();
  }
}
