/** The embed role: a BullMQ worker around `embedBatch`. */

import type { Job } from 'bullmq';
import { throughRestarts } from '../src/db/wait-for-server.ts';
import type { Embedder } from '../src/embedding/embedder.ts';
import { openQueue, openWorker } from '../src/queue/connection.ts';
import { parseEmbedJob, type JobData } from '../src/queue/jobs/payloads.ts';
import { isHeld } from '../src/throttle/throttle.ts';
import type { WorkerContext } from '../src/worker/context.ts';
import { embedBatch, embedRole, isNotDone } from '../src/worker/embed-role/embed-batch.ts';
import { giveBackOthers } from '../src/worker/jobs/give-back.ts';
import { giveUpBatch } from '../src/worker/embed-role/give-up-batch.ts';
import { refuseJob } from '../src/worker/jobs/refuse-job.ts';
import { requeueBatch } from '../src/worker/embed-role/requeue-batch.ts';
import type { Service } from '../src/worker/service.ts';
import { waitAgain } from '../src/worker/jobs/wait-again.ts';

export function startEmbedWorker(context: WorkerContext, embedder: Embedder): Service {
  const { pool, settings, throttle } = context;
  const embed = openQueue(context.address, 'embed');
  const finalize = openQueue(context.address, 'finalize');
  const queues = { embed: embed.queue, finalize: finalize.queue };
  const role = embedRole(context, embedder, queues);
  const closing = new AbortController();

  async function processor(job: Job<JobData>, token?: string, signal?: AbortSignal): Promise<unknown> {
    const data = parseEmbedJob(job.data);
    if (data === null) throw await refuseJob(context, 'embed', job);
    try {
      return await throughRestarts(pool, [closing.signal, signal], async () => {
        await giveBackOthers(context, 'embed', job, data, token);
        return embedBatch(role, data, job.attemptsMade + 1, signal);
      });
    } catch (error) {
      if (isHeld(error)) return waitAgain(job, token);
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
    const data = isNotDone(result) ? parseEmbedJob(job.data) : null;
    if (data !== null) void requeueBatch(role, data);
  });
  worker.on('failed', (job, error) => {
    if (job === undefined) return;
    const mayRetry = job.attemptsMade < (job.opts.attempts ?? 1) && error.name !== 'UnrecoverableError';
    const data = mayRetry ? null : parseEmbedJob(job.data);
    if (data !== null) void giveUpBatch(role, data, error);
  });
  return {
    fault,
    stop: async () => {
      closing.abort(new Error('the worker is being shut down'));
      await close();
      await finalize.close();
      await embed.close();
    },
  };
}
