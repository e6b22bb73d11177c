/** The finalize role: a BullMQ worker around `finalizeJob`. */

import type { Job } from 'bullmq';
import { throughRestarts } from '../src/db/wait-for-server.ts';
import type { Embedder } from '../src/embedding/embedder.ts';
import { openQueue, openWorker } from '../src/queue/connection.ts';
import { parseFinalizeJob, type JobData } from '../src/queue/jobs/payloads.ts';
import type { WorkerContext } from '../src/worker/context.ts';
import { callFinalizerAgain } from '../src/worker/finalize-role/call-finalizer-again.ts';
import { finalizeJob, giveUpJob, parseJob } from '../src/worker/finalize-role/finalize-job.ts';
import { keepWatchScheduled } from '../src/worker/finalize-role/keep-watch-scheduled.ts';
import { giveBackOthers } from '../src/worker/jobs/give-back.ts';
import { refuseJob } from '../src/worker/jobs/refuse-job.ts';
import type { Service } from '../src/worker/service.ts';

export function startFinalizeWorker(context: WorkerContext, openEmbedder: () => Promise<Embedder>): Service {
  const queue = openQueue(context.address, 'finalize');
  const closing = new AbortController();
  const role = { context, openEmbedder };

  async function processor(job: Job<JobData>, token?: string, signal?: AbortSignal): Promise<unknown> {
    const data = parseJob(job.data);
    if (data === null) throw await refuseJob(context, 'finalize', job);
    // Nobody would call again.
    return throughRestarts(context.pool, [closing.signal, signal], async () => {
      await giveBackOthers(context, 'finalize', job, data, token);
      return finalizeJob(role, job, data, { token, signal, stop: closing.signal });
    });
  }

  const scheduling = keepWatchScheduled(context, queue.queue, closing.signal);
  const { worker, fault, close } = openWorker(context.address, 'finalize', 1, processor);
  worker.on('completed', (job) => {
    const data = parseFinalizeJob(job.data);
    if (data !== null) void callFinalizerAgain(context, queue.queue, data);
  });
  worker.on('failed', (job, error) => {
    const data = job === undefined ? null : parseFinalizeJob(job.data);
    if (job !== undefined && data !== null) void giveUpJob(context, job, data, error);
  });
  return {
    fault,
    stop: async () => {
      closing.abort(new Error('the worker is being shut down'));
      await close();
      await queue.close();
      await scheduling;
    },
  };
}
