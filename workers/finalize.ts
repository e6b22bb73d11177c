/** The finalize role: a BullMQ worker around `finalizeRun`. */

import type { Job } from 'bullmq';
import { throughRestarts } from '../src/db/wait-for-server.ts';
import type { Embedder } from '../src/embedding/embedder.ts';
import { findRun } from '../src/ledger/run/run.ts';
import { openQueue, openWorker } from '../src/queue/connection.ts';
import { parseFinalizeJob, type FinalizeJob, type JobData } from '../src/queue/jobs/payloads.ts';
import type { WorkerContext } from '../src/worker/context.ts';
import { callFinalizerAgain } from '../src/worker/finalize-role/call-finalizer-again.ts';
import { afterFailure, giveUpFinalizer } from '../src/worker/finalize-role/finalize-failure.ts';
import { finalizeRun } from '../src/worker/finalize-role/finalize-run.ts';
import { giveBackOthers } from '../src/worker/jobs/give-back.ts';
import { refuseJob } from '../src/worker/jobs/refuse-job.ts';
import type { Service } from '../src/worker/service.ts';

export function startFinalizeWorker(context: WorkerContext, openEmbedder: () => Promise<Embedder>): Service {
  const { pool, backfill } = context;
  const queue = openQueue(context.address, 'finalize');
  const closing = new AbortController();

  async function once(
    job: Job<JobData>,
    { run: uid, force }: FinalizeJob,
    token?: string,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const run = await findRun(pool, uid);
    if (run === null || run.backfill !== backfill) return { notDone: 'the run is not of this backfill' };
    const logger = context.logger.child({ run: run.id });
    try {
      const onProgress = (progress: { phase: string; share: number | null }): Promise<void> =>
        job.updateProgress(progress);
      return await finalizeRun({ context, openEmbedder }, run, { force, logger, onProgress, signal });
    } catch (error) {
      return afterFailure(context, run, { job, token, logger }, error);
    }
  }

  async function processor(job: Job<JobData>, token?: string, signal?: AbortSignal): Promise<unknown> {
    const data = parseFinalizeJob(job.data);
    if (data === null) throw await refuseJob(context, 'finalize', job);
    // Nobody would call again.
    return throughRestarts(pool, [closing.signal, signal], async () => {
      await giveBackOthers(context, 'finalize', job, data, token);
      return once(job, data, token, signal);
    });
  }

  const { worker, fault, close } = openWorker(context.address, 'finalize', 1, processor);
  worker.on('completed', (job) => {
    const data = parseFinalizeJob(job.data);
    if (data !== null) void callFinalizerAgain(context, queue.queue, data);
  });
  worker.on('failed', (job, error) => {
    if (job === undefined || job.attemptsMade < (job.opts.attempts ?? 1)) return;
    const data = parseFinalizeJob(job.data);
    if (data !== null) void giveUpFinalizer(context, data, job.attemptsMade, error);
  });
  return {
    fault,
    stop: async () => {
      closing.abort(new Error('the worker is being shut down'));
      await close();
      await queue.close();
    },
  };
}
