/** A sync job: drain what was captured, sweep some, drain what that found, count again. */

import type { RunTargets } from '../../ledger/run/run-target.ts';
import { classify } from '../../db/sqlstates.ts';
import { messageOf } from '../../errors.ts';
import { modelDifference, modelFacts } from '../../embedding/open-embedder.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { finalizeWhenDue } from '../../finalize/trigger.ts';
import { SYNCED_STATES, latestRun, type Run } from '../../ledger/run/run.ts';
import type { IdenticalVectorsCheck } from '../../pipeline/identical-vectors.ts';
import type { PipelineContext } from '../../pipeline/pipeline-context.ts';
import { reconciledLater } from '../../queue/faults/call-guard.ts';
import type { JobQueue } from '../../queue/connection.ts';
import { drainChanges, type DrainOutcome } from '../../sync/drain-changes.ts';
import { monitorCapture } from '../../sync/monitor-capture.ts';
import { recountMarked } from '../../sync/recount-batches.ts';
import { sweepSome } from '../../sync/sweep-missed-rows.ts';
import type { WorkerContext } from '../context.ts';
import { remedyOf } from '../jobs/remedy.ts';
import { noteSyncFailure } from './sync-failure.ts';

/** Of one job: counting is for those who look on, and may take its time. */
const RECOUNT_MS = 500;

export interface SyncRole {
  context: WorkerContext;
  embedder: Embedder;
  collapse: IdenticalVectorsCheck;
  targets: RunTargets;
  finalizeQueue: JobQueue;
  /** Aborted when the worker is shut down. */
  stop: AbortSignal;
}

/** @returns what the queue keeps as the job's result */
export async function syncRun(role: SyncRole): Promise<unknown> {
  const { context, embedder, collapse, targets } = role;
  const { pool, settings, backfill, logger, throttle } = context;
  const run = await latestRun(pool, backfill);
  if (run === null || !SYNCED_STATES.includes(run.state)) return { notDone: 'there is no run to sync with' };
  if (embedder.fingerprint !== run.fingerprint)
    return noteSyncFailure(
      context,
      `this worker's model is not the one of run ${run.id}: ${modelDifference(run.embedding, modelFacts(settings)) ?? 'other model files'}`,
    );
  try {
    const { target, settings: followed } = await targets.of(run);
    const pipeline = { pool, target, settings: followed, embedder, logger, collapse, throttle };
    return await drainAndSweep(role, pipeline, run);
  } catch (error) {
    const failure = `${messageOf(error)}${remedyOf(error)}`;
    if (classify(error) !== 'transient') await noteSyncFailure(context, failure).catch(() => {});
    throw error;
  }
}

async function drainAndSweep(
  { context, finalizeQueue, stop }: SyncRole,
  pipeline: PipelineContext,
  run: Run,
): Promise<unknown> {
  const { pool, settings, logger, throttle } = context;
  const started = performance.now();
  const input = { pool, target: pipeline.target, run };
  await monitorCapture(input);
  let outcome = await drainChanges(pipeline, run, stop);
  if (outcome.kind === 'busy') return { notDone: 'another worker drains' };
  const swept = await sweepSome(
    input,
    { seconds: settings.sync.sweepSeconds, slowSeconds: settings.sync.slowSweepSeconds || null },
    settings.sync.everySeconds * 1000,
    async () => !(await throttle.holds()),
    stop,
  );
  if (swept > 0) outcome = add(outcome, await drainChanges(pipeline, run, stop));
  const recounted = await recountMarked(pool, pipeline.target, run, RECOUNT_MS);
  if (recounted > 0 && run.state === 'running')
    await finalizeWhenDue(pool, settings, finalizeQueue, run).catch(reconciledLater);
  await noteSyncFailure(context, '');
  const counts = { changes: outcome.changes, done: outcome.done, swept };
  if (outcome.changes > 0 || swept > 0)
    logger.info({ run: run.id, ...counts, elapsedMs: Math.round(performance.now() - started) }, 'synced');
  return counts;
}

type Drained = Extract<DrainOutcome, { kind: 'drained' }>;

const add = (first: Drained, second: DrainOutcome): Drained =>
  second.kind === 'busy'
    ? first
    : { ...second, changes: first.changes + second.changes, done: first.done + second.done };
