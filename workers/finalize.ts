/** The finalize role: a BullMQ worker around `finalize` and the gate. */

import { UnrecoverableError, WaitingError, type Job } from 'bullmq';
import type { Settings } from '../src/config/settings.ts';
import { throughRestarts } from '../src/db/wait-for-server.ts';
import { describeFailure } from '../src/db/refusal.ts';
import { hidesRows } from '../src/db/row-security.ts';
import { explainedByServer } from '../src/db/explained-error.ts';
import { classify, isUnreachable } from '../src/db/sqlstates.ts';
import type { Embedder } from '../src/embedding/embedder.ts';
import { BackfillError, messageOf } from '../src/errors.ts';
import { finalize } from '../src/finalize/finalize.ts';
import { unfinishedBatches } from '../src/ledger/batch/batch.ts';
import { answerFinalizerCalls } from '../src/ledger/run/finalizer-calls.ts';
import { recordEvent } from '../src/ledger/event/event.ts';
import { OPEN_STATES, findRun, moveRun, setRunReason, type Run } from '../src/ledger/run/run.ts';
import { targetOfRun } from '../src/ledger/run/run-target.ts';
import { syncMode } from '../src/ledger/changes/drain-lease.ts';
import type { Logger } from '../src/observability/logger.ts';
import { isStopped } from '../src/pipeline/count-table.ts';
import { CollapseCheck } from '../src/pipeline/identical-vectors.ts';
import { openQueue, openWorker, type JobQueue } from '../src/queue/connection.ts';
import { parseFinalizeJob, type FinalizeJob, type JobData } from '../src/queue/jobs/payloads.ts';
import { addOwedFinalizer } from '../src/planning/reconcile.ts';
import { settle } from '../src/sync/catch-up.ts';
import type { Target } from '../src/table/backfill-target.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { isHeld } from '../src/throttle/throttle.ts';
import { verify } from '../src/verify/verify.ts';
import type { RunningWorker, WorkerContext } from '../src/worker/context.ts';
import { giveBackOthers } from '../src/worker/give-back.ts';
import { refuseJob } from '../src/worker/refuse-job.ts';

export function startFinalizeWorker(
  context: WorkerContext,
  openEmbedder: () => Promise<Embedder>,
): RunningWorker {
  const { pool, backfill, throttle } = context;
  const finalizeQueue = openQueue(context.address, 'finalize');
  const closing = new AbortController();

  /** With the model that the gate needs anyway; where it is not here, or not the run's, what is captured is left to sync. */
  async function settleWith(
    { target, settings }: { target: Target; settings: Settings },
    run: Run,
    sweep: boolean,
    logger: Logger,
    signal?: AbortSignal,
  ): Promise<void> {
    const embedder = await openEmbedder().catch((error: unknown) => {
      logger.warn({ err: messageOf(error) }, 'no gap sweep: the model is not here');
      return null;
    });
    if (embedder === null) return;
    try {
      if (embedder.fingerprint !== run.fingerprint || !OPEN_STATES.includes(run.state)) return;
      await settle(
        { pool, target, settings, embedder, logger, collapse: new CollapseCheck(), throttle },
        run,
        sweep,
        signal,
        context.times.passMs,
      );
    } finally {
      await embedder.close();
    }
  }

  async function finalizeOnce(
    job: Job<JobData>,
    data: FinalizeJob,
    token?: string,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const run = await findRun(pool, data.run);
    if (run === null || run.backfill !== backfill) return { left: 'the run is not of this backfill' };
    const logger = context.logger.child({ run: run.id });
    // Calls from here on are answered by this job only as far as it looks again behind them.
    let answers = run.finalizerCalls;
    try {
      const planned = await targetOfRun(pool, run, context.settings);
      const { target, settings } = planned;
      let swept = false;
      const settleAll = async (): Promise<boolean> => {
        const [open] = await unfinishedBatches(pool, run.id, 0, 1);
        if (open !== undefined) return false;
        // Once it was swept, a trigger leaves nothing to a second sweep.
        const sweep = !swept || (await syncMode(pool, backfill)) !== 'trigger';
        await settleWith(planned, run, sweep, logger, signal);
        swept = true;
        return true;
      };
      // Also before the index: rows that no batch has read may be what coverage lacks.
      await settleAll();
      // The build cannot be held once it has begun, and writes about its size of WAL at its end.
      if (!(await throttle.pass())) return { left: 'the run was stopped' };
      const onProgress = (progress: { phase: string; share: number | null }): Promise<void> =>
        job.updateProgress(progress);
      const outcome = await finalize({
        pool,
        target,
        settings,
        run,
        force: data.force,
        logger,
        onProgress,
        pass: () => throttle.pass(),
        signal,
      });
      if (outcome.kind !== 'indexed') {
        await answerFinalizerCalls(pool, run.id, answers);
        return outcome;
      }
      await moveRun(pool, run.id, ['finalizing'], 'verifying', '');
      answers = (await findRun(pool, run.uid))?.finalizerCalls ?? answers;
      // The build takes its time, and somebody may have written meanwhile.
      if (!(await settleAll())) {
        await setRunReason(pool, run.id, 'the index is built; the gate waits for the last batches');
        // A batch that closed between the look and the words would wait for nobody to call again.
        if ((await unfinishedBatches(pool, run.id, 0, 1)).length > 0) {
          await answerFinalizerCalls(pool, run.id, answers);
          return outcome;
        }
      }
      // With the index that the finalizer has chosen meanwhile.
      const indexed = await describeTarget(pool, backfill, settings);
      const verification = await verify({
        pool,
        target: indexed,
        settings,
        run,
        openEmbedder,
        pass: () => throttle.pass(),
      });
      await answerFinalizerCalls(pool, run.id, answers);
      logger.info({ passed: verification.passed }, 'verified');
      return { ...outcome, passed: verification.passed };
    } catch (raised) {
      const error = isUnreachable(raised) ? raised : await explainedByServer(pool, raised);
      if (hidesRows(error) && (await throttle.holdsNow())) {
        await setRunReason(pool, run.id, `finalizer: ${messageOf(error)}`).catch(() => {});
        // Until every row is to be seen again, or the worker is shut down.
        await throttle.pass().catch(() => false);
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (isHeld(error)) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (isStopped(error)) return { left: 'the run was stopped' };
      logger.error({ err: messageOf(error), class: classify(error) }, 'finalizer');
      if (isUnreachable(error)) throw error;
      const reason = `finalizer: ${messageOf(error)}`;
      if (classify(error) !== 'configuration') {
        await setRunReason(pool, run.id, reason).catch(() => {});
        throw error;
      }
      const remedy = error instanceof BackfillError && error.remedy !== undefined ? ` ${error.remedy}` : '';
      await stopRun(context, run, reason + remedy);
      throw new UnrecoverableError(messageOf(error));
    }
  }

  async function processor(job: Job<JobData>, token?: string, signal?: AbortSignal): Promise<unknown> {
    const data = parseFinalizeJob(job.data);
    if (data === null) throw await refuseJob(context, 'finalize', job);
    // Nobody would call again.
    return throughRestarts(pool, [closing.signal, signal], async () => {
      await giveBackOthers(context, 'finalize', job, data, token);
      return finalizeOnce(job, data, token, signal);
    });
  }

  const { worker, fault, close } = openWorker(context.address, 'finalize', 1, processor);
  worker.on('completed', (job) => {
    const data = parseFinalizeJob(job.data);
    if (data !== null) void callAgain(context, finalizeQueue.queue, data);
  });
  worker.on('failed', (job, error) => {
    if (job === undefined || job.attemptsMade < (job.opts.attempts ?? 1)) return;
    const data = parseFinalizeJob(job.data);
    if (data !== null) void giveUp(context, data, job.attemptsMade, error);
  });
  return {
    fault,
    close: async () => {
      closing.abort(new Error('the worker is being shut down'));
      await close();
      await finalizeQueue.close();
    },
  };
}

async function stopRun({ pool, backfill }: WorkerContext, run: Run, reason: string): Promise<void> {
  if (!(await moveRun(pool, run.id, OPEN_STATES, 'failed', reason))) return;
  await recordEvent(pool, { backfill, run: run.id, level: 'error', kind: 'run.failed', message: reason });
}

/** The queue has no attempts left, and nobody would call again: a run that stood in `finalizing` would do so for ever. */
async function giveUp(
  context: WorkerContext,
  data: FinalizeJob,
  attempts: number,
  error: Error,
): Promise<void> {
  try {
    const run = await findRun(context.pool, data.run);
    if (run === null) return;
    const reason = `finalizer: ${describeFailure(error).replace(/\.$/, '')}, at the last of ${attempts} attempts. See to the cause, then run \`pgvector-backfill finalize\`.`;
    await stopRun(context, run, reason);
  } catch (ledgerError) {
    context.logger.error(
      { err: messageOf(ledgerError) },
      'the end of the finalizer could not be written down',
    );
  }
}

/** Whoever called while this job was about to end found it on the queue still, and added no other. */
async function callAgain({ pool, logger }: WorkerContext, queue: JobQueue, data: FinalizeJob): Promise<void> {
  try {
    const run = await findRun(pool, data.run);
    if (run !== null && run.finalizerCalls > run.finalizerAnswered) await addOwedFinalizer(pool, queue, run);
  } catch (error) {
    // The call stays unanswered in the ledger, so that it is found when ledger and queue are compared next.
    logger.warn({ err: messageOf(error) }, 'the finalizer could not be called again');
  }
}
