/** The sync role: a BullMQ worker around `drainChanges`, called by a job scheduler. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { describeFailure } from '../src/db/refusal.ts';
import { classify } from '../src/db/sqlstates.ts';
import { modelDifference, modelFacts } from '../src/embedding/open-embedder.ts';
import type { Embedder } from '../src/embedding/embedder.ts';
import { BackfillError, messageOf } from '../src/errors.ts';
import { finalizeWhenDue } from '../src/finalize/trigger.ts';
import { recordEvent } from '../src/ledger/event/event.ts';
import { SYNCED_STATES, latestRun, type Run } from '../src/ledger/run/run.ts';
import { targetOfRun } from '../src/ledger/run/run-target.ts';
import { setSyncFailure, syncMode } from '../src/ledger/changes/drain-lease.ts';
import { CollapseCheck } from '../src/pipeline/identical-vectors.ts';
import type { PipelineContext } from '../src/pipeline/pipeline-context.ts';
import { openQueue, openWorker } from '../src/queue/connection.ts';
import { leftToReconciler } from '../src/queue/faults/call-guard.ts';
import { parseSyncJob, type JobData } from '../src/queue/jobs/payloads.ts';
import { scheduleSync, unscheduleSync } from '../src/queue/jobs/producer.ts';
import { drainChanges, type DrainOutcome } from '../src/sync/drain-changes.ts';
import { lookAfterCapture } from '../src/sync/monitor-capture.ts';
import { recountMarked } from '../src/sync/recount-batches.ts';
import { sweepSome } from '../src/sync/sweep-missed-rows.ts';
import type { RunningWorker, WorkerContext } from '../src/worker/context.ts';
import { giveBackOthers } from '../src/worker/give-back.ts';
import { refuseJob } from '../src/worker/refuse-job.ts';

/** A scheduler that was lost with its Redis is back after this time. */
const SCHEDULE_MS = 60_000;
/** Of one job: counting is for those who look on, and may take its time. */
const RECOUNT_MS = 500;

export function startSyncWorker(context: WorkerContext, embedder: Embedder): RunningWorker {
  const { pool, settings, backfill, logger, throttle } = context;
  const collapse = new CollapseCheck();
  const syncQueue = openQueue(context.address, 'sync');
  const finalizeQueue = openQueue(context.address, 'finalize');
  const stop = new AbortController();

  async function processor(job: Job<JobData>, token?: string): Promise<unknown> {
    const data = parseSyncJob(job.data);
    if (data === null) throw await refuseJob(context, 'sync', job);
    await giveBackOthers(context, 'sync', job, data, token);
    const run = await latestRun(pool, backfill);
    if (run === null || !SYNCED_STATES.includes(run.state)) return { left: 'there is no run to sync with' };
    if (embedder.fingerprint !== run.fingerprint)
      return fail(
        context,
        `this worker's model is not the one of run ${run.id}: ${modelDifference(run.embedding, modelFacts(settings)) ?? 'other model files'}`,
      );
    try {
      const { target, settings: followed } = await targetOfRun(pool, run, settings);
      return await sync({ pool, target, settings: followed, embedder, logger, collapse, throttle }, run);
    } catch (error) {
      const remedy = error instanceof BackfillError && error.remedy !== undefined ? ` ${error.remedy}` : '';
      const described = describeFailure(error);
      if (classify(error) !== 'transient') await fail(context, `${described}${remedy}`).catch(() => {});
      throw error;
    }
  }

  async function sync(pipeline: PipelineContext, run: Run): Promise<unknown> {
    const started = performance.now();
    const input = { pool, target: pipeline.target, run };
    await lookAfterCapture(input);
    let outcome = await drainChanges(pipeline, run, stop.signal);
    if (outcome.kind === 'busy') return { left: 'another worker drains' };
    const swept = await sweepSome(
      input,
      { seconds: settings.sync.sweepSeconds, slowSeconds: settings.sync.slowSweepSeconds || null },
      settings.sync.everySeconds * 1000,
      async () => !(await throttle.holds()),
      stop.signal,
    );
    if (swept > 0) outcome = add(outcome, await drainChanges(pipeline, run, stop.signal));
    const recounted = await recountMarked(pool, pipeline.target, run, RECOUNT_MS);
    if (recounted > 0 && run.state === 'running')
      await finalizeWhenDue(pool, settings, finalizeQueue.queue, run).catch(leftToReconciler);
    await fail(context, '');
    const counts = { changes: outcome.changes, done: outcome.done, swept };
    if (outcome.changes > 0 || swept > 0)
      logger.info({ run: run.id, ...counts, elapsedMs: Math.round(performance.now() - started) }, 'synced');
    return counts;
  }

  // `dropped` by `complete`, or off by the configuration: nothing is to come back by itself.
  const keepScheduled = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        const mode = await syncMode(pool, backfill);
        if (mode === 'off') await unscheduleSync(syncQueue.queue);
        else await scheduleSync(syncQueue.queue, settings.sync.everySeconds);
      } catch (error) {
        if (!stop.signal.aborted) logger.warn({ err: messageOf(error) }, 'sync could not be scheduled');
      }
      await delay(context.times.scheduleMs ?? SCHEDULE_MS, undefined, { signal: stop.signal }).catch(
        () => {},
      );
    }
  };
  const scheduling = keepScheduled();
  const { fault, close } = openWorker(context.address, 'sync', 1, processor);
  return {
    fault,
    close: async () => {
      stop.abort();
      // First: what waits for a server that is away or silent fails by it.
      await syncQueue.close();
      await scheduling;
      await close();
      await finalizeQueue.close();
    },
  };
}

type Drained = Extract<DrainOutcome, { kind: 'drained' }>;

const add = (first: Drained, second: DrainOutcome): Drained =>
  second.kind === 'busy'
    ? first
    : { ...second, changes: first.changes + second.changes, done: first.done + second.done };

/** Says once what keeps sync from its work; empty = nothing does any more. */
async function fail({ pool, backfill, logger }: WorkerContext, failure: string): Promise<{ left: string }> {
  if (await setSyncFailure(pool, backfill, failure)) {
    const [level, message] = failure === '' ? (['info', 'goes on'] as const) : (['warn', failure] as const);
    await recordEvent(pool, { backfill, run: null, level, kind: 'sync.failure', message });
    logger[level]({ failure }, 'sync');
  }
  return { left: failure };
}
