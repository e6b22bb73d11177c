/** A worker process: roles started, drained, stopped. The demo runs the very same in its own process. */

import { plainTextConnections } from '../src/config/plain-text.ts';
import type { Config } from '../src/config/load.ts';
import { createPool, type Pool } from '../src/db/pool.ts';
import { borrowed, type Embedder, type OpenEmbedder } from '../src/embedding/embedder.ts';
import { Instruments } from '../src/observability/instruments.ts';
import { WORKER_NAME } from '../src/observability/worker-name.ts';
import type { Logger } from '../src/observability/logger.ts';
import { QUEUE_ROLES, type QueueRole } from '../src/queue/connection.ts';
import { fewFiles } from '../src/process/open-files.ts';
import type { RunningWorker } from '../src/worker/context.ts';
import type { WorkerTimes } from '../src/worker/times.ts';
import { Throttle } from '../src/throttle/throttle.ts';
import { startEmbedWorker } from './embed.ts';
import { startFinalizeWorker } from './finalize.ts';
import { startMetricsServer, type MetricsServer } from '../src/worker/metrics-server.ts';
import { startReconciler } from '../src/worker/reconciler.ts';
import { startSyncWorker } from './sync.ts';
import { processHost } from '../src/cli/host.ts';
import { prepareQueues } from '../src/planning/open-queues.ts';
import { within } from '../src/time-limit.ts';

/** Statements of a batch are limited to a minute by the server. */
const MAX_SILENCE_MS = 90_000;
/** Besides one for each batch in flight: for sync and its lease, to look whether the run is to be finalized, or the server there again. */
const SPARE_CONNECTIONS = 4;

export interface WorkerProcess {
  /** Of its metrics and health; null where they are not asked for. */
  metricsUrl: string | null;
  /** What only another start would mend, of the first role that has such a fault; null where there is nothing. */
  fault: () => Promise<string | null>;
  /** Lets batches in flight end, within the configured time. @returns false where they did not. */
  drain(): Promise<boolean>;
}

export interface WorkerOptions {
  openEmbedder?: OpenEmbedder;
  times?: WorkerTimes | undefined;
}

export async function startWorkers(
  config: Config,
  pool: Pool,
  processLogger: Logger,
  roles: readonly QueueRole[] = QUEUE_ROLES,
  { openEmbedder = processHost().openEmbedder, times = {} }: WorkerOptions = {},
): Promise<WorkerProcess> {
  const logger = processLogger.child({ worker: WORKER_NAME });
  const { settings, backfill } = config;
  for (const { message, remedy } of plainTextConnections(settings)) logger.warn({ remedy }, message);
  const few = fewFiles(settings.worker.concurrency);
  if (few !== null) logger.warn({ remedy: few.remedy }, few.message);
  const address = await prepareQueues(config, pool, logger, times);
  // Batches and sync have connections of their own: their statements are short, so silence means that the network is gone.
  const batches = createPool(settings.database, {
    name: 'worker batches',
    max: settings.worker.concurrency + SPARE_CONNECTIONS,
    logger,
    queryTimeoutMs: MAX_SILENCE_MS,
    table: settings.table,
    pinned: true,
  });
  const throttle = new Throttle({ pool: batches, backfill, settings, logger });
  throttle.onTuned(({ concurrency }) => {
    batches.options.max = concurrency + SPARE_CONNECTIONS;
  });
  const instruments = new Instruments();
  const context = { backfill, settings, pool, address, logger, throttle, instruments, times };
  const running: RunningWorker[] = [];
  const fault = async (): Promise<string | null> =>
    (await Promise.all(running.map((worker) => worker.fault?.() ?? Promise.resolve(null)))).find(
      (each) => each !== null,
    ) ?? null;
  // First, so that a port that is taken is told before a model is loaded.
  const metrics: MetricsServer | null =
    settings.metrics.port === undefined
      ? null
      : await startMetricsServer(context, settings.metrics.port, fault);
  const openForRoles = async (): Promise<Embedder | null> =>
    roles.includes('embed') || roles.includes('sync')
      ? openEmbedder(settings, settings.worker.threads, (line) => logger.info(line))
      : null;
  const embedder = await openForRoles().catch(async (error: unknown) => {
    // Or the process would stay for its listener, with nobody at work.
    throttle.close();
    await metrics?.close();
    await batches.end();
    throw error;
  });
  // The gate embeds a few rows again: with the processes that are there, or with one of its own.
  const gateEmbedder = (): Promise<Embedder> =>
    embedder === null ? openEmbedder(settings, 1) : Promise.resolve(borrowed(embedder));
  if (embedder !== null && roles.includes('embed'))
    running.push(startEmbedWorker({ ...context, pool: batches }, embedder));
  if (embedder !== null && roles.includes('sync'))
    running.push(startSyncWorker({ ...context, pool: batches }, embedder));
  if (roles.includes('finalize')) running.push(startFinalizeWorker(context, gateEmbedder));
  running.push(startReconciler(context));
  return {
    metricsUrl: metrics?.url ?? null,
    fault,
    async drain() {
      throttle.close();
      const closed = Promise.all(running.map((worker) => worker.close())).then(() => true);
      const drained = await within(settings.worker.drainSeconds * 1000, closed, () => false);
      await metrics?.close();
      await embedder?.close();
      // What did not end in time would be waited for here without end.
      if (drained) await batches.end();
      return drained;
    },
  };
}
