/** After each batch: is it time for the finalizer? Answered from the ledger, so that it costs the legacy table nothing. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { unfinishedCounts } from '../ledger/batch/unfinished-counts.ts';
import { coverageOf } from '../ledger/rows/accounting.ts';
import { noteFinalizerCall } from '../ledger/run/finalizer-calls.ts';
import { progressSnapshot } from '../ledger/progress/snapshot.ts';
import type { Run } from '../ledger/run/run.ts';
import { setRunReason } from '../ledger/run/move-run.ts';
import { syncMode } from '../ledger/changes/drain-lease.ts';
import type { JobQueue } from '../queue/connection.ts';
import type { FinalizeCause } from '../queue/jobs/payloads.ts';
import { addFinalizeJob } from '../queue/jobs/producer.ts';
import { percent } from './finalize.ts';

/**
 * The call is noted first: a job of the same name that has looked already, and is about to end, swallows it; whoever sees
 * that job end finds that the call was not answered. @returns whether a finalize job was added by this call
 */
export async function callFinalizer(
  pool: Pool,
  queue: JobQueue,
  run: Pick<Run, 'id' | 'uid'>,
  cause: FinalizeCause,
): Promise<boolean> {
  await noteFinalizerCall(pool, run.id);
  return addFinalizeJob(queue, run.uid, cause);
}

/** @returns whether a finalize job was added by this call. */
export async function finalizeWhenDue(
  pool: Pool,
  settings: Settings,
  queue: JobQueue,
  run: Run,
): Promise<boolean> {
  const { unfinished, failed, state, planned } = await unfinishedCounts(pool, run.id);
  // The last batches of a run whose index is there already: the gate waits for them.
  if (state === 'verifying' && unfinished === 0) return callFinalizer(pool, queue, run, 'last-batch');
  // Far from done: the rows of the unfinished batches alone keep coverage below the threshold. No sums are needed.
  if (state !== 'running' || unfinished > planned * (1 - settings.index.coverage) + 1) return false;
  const { rows } = await progressSnapshot(pool, run.backfill);
  const coverage = coverageOf(rows);
  if (coverage >= settings.index.coverage) return callFinalizer(pool, queue, run, 'coverage');
  if (unfinished === failed) {
    const withSynced = coverageOf({ ...rows, embedded: rows.embedded + rows.stale });
    // Rows that changed under their batch's hands are sync's; it asks again once it has been at them.
    if (withSynced >= settings.index.coverage && (await syncMode(pool, run.backfill)) !== 'off') return false;
    const parts = [`coverage ${percent(coverage)} is below ${percent(settings.index.coverage)}`];
    if (failed > 0)
      parts.push(`${failed} batches failed: run \`pgvector-backfill enqueue\` to try them again`);
    if (rows.quarantined > 0) parts.push(`${rows.quarantined} rows are quarantined`);
    if (rows.stale > 0)
      parts.push(`${rows.stale} rows changed meanwhile: run \`pgvector-backfill enqueue\` to catch up`);
    await setRunReason(pool, run.id, parts.join('; '));
  }
  return false;
}
