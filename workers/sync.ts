/** The sync role: a BullMQ worker around `syncRun`, called by a job scheduler. */

import type { Job } from 'bullmq';
import type { Embedder } from '../src/embedding/embedder.ts';
import { RunTargets } from '../src/ledger/run/run-target.ts';
import { IdenticalVectorsCheck } from '../src/pipeline/identical-vectors.ts';
import { openQueue, openWorker } from '../src/queue/connection.ts';
import { parseSyncJob, type JobData } from '../src/queue/jobs/payloads.ts';
import type { WorkerContext } from '../src/worker/context.ts';
import { giveBackOthers } from '../src/worker/jobs/give-back.ts';
import { keepSyncScheduled } from '../src/worker/sync-role/keep-sync-scheduled.ts';
import { refuseJob } from '../src/worker/jobs/refuse-job.ts';
import type { Service } from '../src/worker/service.ts';
import { syncRun } from '../src/worker/sync-role/sync-run.ts';

export function startSyncWorker(context: WorkerContext, embedder: Embedder): Service {
  const sync = openQueue(context.address, 'sync');
  const finalize = openQueue(context.address, 'finalize');
  const stop = new AbortController();
  const collapse = new IdenticalVectorsCheck();
  const targets = new RunTargets(context.pool, context.settings);
  const role = { context, embedder, collapse, targets, finalizeQueue: finalize.queue, stop: stop.signal };

  async function processor(job: Job<JobData>, token?: string): Promise<unknown> {
    const data = parseSyncJob(job.data);
    if (data === null) throw await refuseJob(context, 'sync', job);
    await giveBackOthers(context, 'sync', job, data, token);
    return syncRun(role);
  }

  const scheduling = keepSyncScheduled(context, sync.queue, stop.signal);
  const { fault, close } = openWorker(context.address, 'sync', 1, processor);
  return {
    fault,
    stop: async () => {
      stop.abort();
      // First: what waits for a server that is away or silent fails by it.
      await sync.close();
      await scheduling;
      await close();
      await finalize.close();
    },
  };
}
