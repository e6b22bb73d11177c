/** The embed role: a BullMQ worker around `processBatch`. */

import { UnrecoverableError, WaitingError, type Job } from 'bullmq';
import { throughRestarts } from '../src/db/wait-for-server.ts';
import { hidesRows } from '../src/db/row-security.ts';
import { describeFailure } from '../src/db/refusal.ts';
import { classify } from '../src/db/sqlstates.ts';
import type { Embedder } from '../src/embedding/embedder.ts';
import { BackfillError, messageOf } from '../src/errors.ts';
import { finalizeWhenDue } from '../src/finalize/trigger.ts';
import { markFailed, unfinishedBatches } from '../src/ledger/batch/batch.ts';
import { tooManyFailures } from '../src/ledger/run/breaker.ts';
import { recordEvent } from '../src/ledger/event/event.ts';
import { OPEN_STATES, findRun, moveRun, pauseRun, type Run } from '../src/ledger/run/run.ts';
import { targetOfRun } from '../src/ledger/run/run-target.ts';
import { CollapseCheck } from '../src/pipeline/identical-vectors.ts';
import { processBatch } from '../src/pipeline/process-batch.ts';
import { openQueue, openWorker, type JobQueue } from '../src/queue/connection.ts';
import { leftToReconciler } from '../src/queue/faults/call-guard.ts';
import { parseEmbedJob, type EmbedJob, type JobData } from '../src/queue/jobs/payloads.ts';
import { addEmbedJobs } from '../src/queue/jobs/producer.ts';
import { held, isHeld } from '../src/throttle/throttle.ts';
import type { RunningWorker, WorkerContext } from '../src/worker/context.ts';
import { giveBackOthers } from '../src/worker/give-back.ts';
import { refuseJob } from '../src/worker/refuse-job.ts';

const NOT_OPEN = { left: 'the run is not open' };
const LEFT = { left: 'the batch is done, the run was stopped, or another worker has it' };

export function startEmbedWorker(context: WorkerContext, embedder: Embedder): RunningWorker {
  const { pool, settings, backfill, throttle, instruments } = context;
  const collapse = new CollapseCheck();
  const finalizeQueue = openQueue(context.address, 'finalize');
  const embedQueue = openQueue(context.address, 'embed');
  const closing = new AbortController();

  async function processOnce(data: EmbedJob, attempt: number, signal?: AbortSignal): Promise<unknown> {
    const run = await findRun(pool, data.run);
    if (run === null || run.backfill !== backfill || !OPEN_STATES.includes(run.state)) return NOT_OPEN;
    const logger = context.logger.child({ run: run.id, batch: data.batch });
    const started = performance.now();
    try {
      const { target, settings: followed } = await targetOfRun(pool, run, settings);
      const outcome = await processBatch(
        { pool, target, settings: followed, embedder, logger, collapse, throttle, instruments },
        run,
        data.batch,
        signal,
      );
      const elapsedMs = Math.round(performance.now() - started);
      if (outcome.kind === 'merged') {
        instruments.merged(outcome.counts, elapsedMs / 1000);
        logger.info({ ...outcome.counts, elapsedMs }, 'batch merged');
      }
      // Also behind a batch that was done already: a worker that died between the merge and this line owes it.
      await finalizeWhenDue(pool, settings, finalizeQueue.queue, run).catch(leftToReconciler);
      if (outcome.kind === 'left') return LEFT;
      return { ...outcome.counts, elapsedMs };
    } catch (error) {
      if (isHeld(error)) throw error;
      // Held from now on, with the reason: it goes on by itself once every row is to be seen again.
      if (hidesRows(error) && (await throttle.holdsNow())) throw held(error);
      instruments.failed(classify(error));
      logger.warn({ err: describeFailure(error), class: classify(error), attempt }, 'batch not merged');
      if (classify(error) !== 'configuration') throw error;
      await stopRun(context, run, error);
      throw new UnrecoverableError(describeFailure(error));
    }
  }

  async function processor(job: Job<JobData>, token?: string, signal?: AbortSignal): Promise<unknown> {
    const data = parseEmbedJob(job.data);
    if (data === null) throw await refuseJob(context, 'embed', job);
    try {
      return await throughRestarts(pool, [closing.signal, signal], async () => {
        await giveBackOthers(context, 'embed', job, data, token);
        return processOnce(data, job.attemptsMade + 1, signal);
      });
    } catch (error) {
      if (isHeld(error)) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      throw error;
    }
  }

  const { worker, fault, close } = openWorker(
    context.address,
    'embed',
    settings.worker.concurrency,
    processor,
  );
  throttle.onTuned(({ concurrency }) => {
    worker.concurrency = concurrency;
  });
  worker.on('completed', (job, result) => {
    const data = isLeft(result) ? parseEmbedJob(job.data) : null;
    if (data !== null) void addAgain(context, embedQueue.queue, data);
  });
  worker.on('failed', (job, error) => {
    if (
      job === undefined ||
      (job.attemptsMade < (job.opts.attempts ?? 1) && error.name !== 'UnrecoverableError')
    )
      return;
    const data = parseEmbedJob(job.data);
    if (data !== null) void giveUp(context, finalizeQueue.queue, data, error);
  });
  return {
    fault,
    close: async () => {
      closing.abort(new Error('the worker is being shut down'));
      await close();
      await finalizeQueue.close();
      await embedQueue.close();
    },
  };
}

const isLeft = (result: unknown): boolean =>
  typeof result === 'object' && result !== null && 'left' in result;

/** Whoever resumed the run while this job was ending found it on its way still, and added no other. */
async function addAgain(
  { pool, settings, logger }: WorkerContext,
  queue: JobQueue,
  data: EmbedJob,
): Promise<void> {
  try {
    const run = await findRun(pool, data.run);
    if (run === null || !OPEN_STATES.includes(run.state)) return;
    const [batch] = await unfinishedBatches(pool, run.id, data.batch - 1, 1);
    if (batch?.number === data.batch) await addEmbedJobs(queue, run.uid, [batch], settings.attempts, false);
  } catch (error) {
    // The batch stays unfinished in the ledger, so the next `enqueue` finds it all the same.
    logger.warn({ err: messageOf(error), batch: data.batch }, 'a batch could not be put on the queue again');
  }
}

/** No batch can succeed before somebody changes something: the whole run stops, with the remedy as its reason. */
async function stopRun({ pool, backfill, logger }: WorkerContext, run: Run, error: unknown): Promise<void> {
  const remedy = error instanceof BackfillError && error.remedy !== undefined ? ` ${error.remedy}` : '';
  const reason = `${messageOf(error)}${remedy} Then run \`pgvector-backfill enqueue\`.`;
  if (!(await moveRun(pool, run.id, OPEN_STATES, 'failed', reason))) return;
  await recordEvent(pool, { backfill, run: run.id, level: 'error', kind: 'run.failed', message: reason });
  logger.error({ run: run.id, reason }, 'run failed');
}

/** The queue has no attempts left. A run that failed keeps its batches pending: they are not to blame. */
async function giveUp(
  context: WorkerContext,
  queue: Parameters<typeof finalizeWhenDue>[2],
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
    if (verdict !== null) await trip(context, run, verdict);
    else await finalizeWhenDue(pool, settings, queue, run);
  } catch (ledgerError) {
    // The batch stays unfinished in the ledger, so the next `enqueue` finds it all the same.
    logger.error(
      { err: messageOf(ledgerError), batch: data.batch },
      'the failure of a batch could not be written down',
    );
  }
}

/** The circuit breaker: what fails over and over is not the batches' own fault. */
async function trip({ pool, backfill, logger }: WorkerContext, run: Run, verdict: string): Promise<void> {
  const reason = `paused itself: ${verdict}. Repair the cause, then run \`pgvector-backfill resume\`.`;
  if (!(await pauseRun(pool, run.id, OPEN_STATES, reason))) return;
  await recordEvent(pool, { backfill, run: run.id, level: 'error', kind: 'run.paused', message: reason });
  logger.error({ run: run.id, reason }, 'run paused');
}
