/**
 * The ledger is the truth, the queue is transport: what is to do by the ledger and is not on the queue is put on it again.
 * A database that failed over without its last commits has batches open whose jobs the queue holds as completed; a Redis
 * that lost its data has none.
 */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { finalizeWhenDue } from '../finalize/trigger.ts';
import { openBatchCounts, quietBatches, unfinishedBatches } from '../ledger/batch/batch.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { firstAtCounts } from '../ledger/run/finalizer-calls.ts';
import { progressSnapshot } from '../ledger/progress/snapshot.ts';
import { OPEN_STATES, latestRun, type Run } from '../ledger/run/run.ts';
import { WAITS_FOR_BATCHES, isPlannedWithin } from '../ledger/progress/open-work.ts';
import type { JobQueue } from '../queue/connection.ts';
import { addEmbedJobs, addFinalizeJob, finalizeJobStands, jobsUnderWay } from '../queue/jobs/producer.ts';

/** Batches of one look at the ledger. */
const PAGE = 5000;

export interface ReconcileInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  queues: { embed: JobQueue; finalize: JobQueue };
  /** What was planned or begun within this time may still be on its way to the queue, or from it. */
  quietSeconds: number;
}

export interface Reconciled {
  batches: number;
  finalizer: boolean;
}

const NOTHING: Reconciled = { batches: 0, finalizer: false };

/** Any number of workers may do it at a time: the ids of the jobs see to it that each is added once. */
export async function reconcile(input: ReconcileInput): Promise<Reconciled> {
  const { pool, backfill, quietSeconds } = input;
  const run = await latestRun(pool, backfill);
  if (run === null || !OPEN_STATES.includes(run.state) || run.plannedAt === null) return NOTHING;
  if (await isPlannedWithin(pool, run.id, quietSeconds)) return NOTHING;
  const batches = await addLostBatches(input, run);
  const finalizer = batches === 0 && (await callOwedFinalizer(input, run));
  if (batches > 0 || finalizer)
    await recordEvent(pool, {
      backfill,
      run: run.id,
      level: 'warn',
      kind: 'queue.reconciled',
      message: finalizer
        ? 'the finalizer is due by the ledger and was not on the queue: it is called again'
        : `${batches} batches are to do by the ledger and were not on the queue: they are added again`,
    });
  return { batches, finalizer };
}

/** Counts first: job by job is asked for only where the queue holds fewer jobs than there are batches to do. */
async function addLostBatches(
  { pool, settings, queues, quietSeconds }: ReconcileInput,
  run: Run,
): Promise<number> {
  const { open, quiet } = await openBatchCounts(pool, run.id, quietSeconds);
  if (quiet === 0 || (await jobsUnderWay(queues.embed)) >= open) return 0;
  let added = 0;
  for (let after = 0; ;) {
    const page = await quietBatches(pool, run.id, quietSeconds, after, PAGE);
    added += await addEmbedJobs(queues.embed, run.uid, page, settings.attempts, false);
    if (page.length < PAGE) return added;
    after = page.at(-1)?.number ?? after;
  }
}

async function callOwedFinalizer(input: ReconcileInput, run: Run): Promise<boolean> {
  const { pool, backfill, settings, queues } = input;
  if (await addOwedFinalizer(pool, queues.finalize, run)) return true;
  if (run.state !== 'running' || (await finalizeJobStands(queues.finalize, run.uid))) return false;
  // Whoever counted the last rows may have died before it called. The finalizer counts the table itself, and may find
  // less than the ledger says: it is not to do so again and again.
  const { rows } = await progressSnapshot(pool, backfill);
  const counts = [run.id, rows.eligible, rows.embedded, rows.skipped, rows.stale].join(' ');
  return (await firstAtCounts(pool, run.id, counts)) && finalizeWhenDue(pool, settings, queues.finalize, run);
}

/** @returns whether a job was added by this call. */
export async function addOwedFinalizer(pool: Pool, queue: JobQueue, run: Run): Promise<boolean> {
  const [unfinished] = await unfinishedBatches(pool, run.id, 0, 1);
  if (!isOwed(run, unfinished !== undefined) || (await finalizeJobStands(queue, run.uid))) return false;
  return addFinalizeJob(queue, run.uid, 'last-batch');
}

/** Called and not answered, or in the middle of something that nobody is at. A gate that did not pass waits for the operator. */
function isOwed({ state, reason, finalizerCalls, finalizerAnswered }: Run, unfinished: boolean): boolean {
  if (state === 'finalizing') return true;
  if (state === 'running') return finalizerCalls > finalizerAnswered;
  if (state !== 'verifying' || unfinished) return false;
  return finalizerCalls > finalizerAnswered || reason === '' || reason.startsWith(WAITS_FOR_BATCHES);
}
