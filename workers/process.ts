/** A worker process: roles started and drained. The demo runs the very same in its own process. */

import { processHost } from '../src/cli/host.ts';
import type { Config } from '../src/config/load.ts';
import type { Pool } from '../src/db/pool.ts';
import { borrowed, type Embedder } from '../src/embedding/embedder.ts';
import type { Logger } from '../src/observability/logger.ts';
import { QUEUE_ROLES, type QueueRole } from '../src/queue/connection.ts';
import { withTimeLimit } from '../src/time-limit.ts';
import { startMetricsServer } from '../src/worker/metrics-server.ts';
import { openContext } from '../src/worker/open-context.ts';
import type { WorkerOptions, WorkerProcess } from '../src/worker/process.ts';
import { startReconciler } from '../src/worker/reconciler.ts';
import { firstFault, type Service } from '../src/worker/service.ts';
import { startEmbedWorker } from './embed.ts';
import { startFinalizeWorker } from './finalize.ts';
import { startSyncWorker } from './sync.ts';

export async function startWorkers(
  config: Config,
  pool: Pool,
  logger: Logger,
  roles: readonly QueueRole[] = QUEUE_ROLES,
  { openEmbedder = processHost().openEmbedder, times = {} }: WorkerOptions = {},
): Promise<WorkerProcess> {
  const { settings } = config;
  const { context, batches } = await openContext(config, pool, logger, { times, roles });
  const running: Service[] = [];
  const fault = (): Promise<string | null> => firstFault(running);
  // First, so that a port that is taken is told before a model is loaded.
  const metrics = await startMetricsServer(context, fault);
  const end = async (embedder: Embedder | null, drained: boolean): Promise<void> => {
    await metrics?.close();
    await embedder?.close();
    // What did not end in time would be waited for here without end.
    if (drained) await batches.end();
  };
  const open = async (): Promise<Embedder | null> =>
    roles.includes('embed') || roles.includes('sync')
      ? openEmbedder(settings, settings.worker.threads, (line) => context.logger.info(line))
      : null;
  const embedder = await open().catch(async (error: unknown) => {
    // Or the process would stay for its listener, with nobody at work.
    context.throttle.close();
    await end(null, true);
    throw error;
  });
  // The gate embeds a few rows again: with the processes that are there, or with one of its own.
  const gateEmbedder = (): Promise<Embedder> =>
    embedder === null ? openEmbedder(settings, 1) : Promise.resolve(borrowed(embedder));
  const short = { ...context, pool: batches };
  if (embedder !== null && roles.includes('embed')) running.push(startEmbedWorker(short, embedder));
  if (embedder !== null && roles.includes('sync')) running.push(startSyncWorker(short, embedder));
  if (roles.includes('finalize')) running.push(startFinalizeWorker(context, gateEmbedder));
  running.push(startReconciler(context));
  return {
    metricsUrl: metrics?.url ?? null,
    fault,
    async drain() {
      context.throttle.close();
      const stopped = Promise.all(running.map((service) => service.stop())).then(() => true);
      const drained = await withTimeLimit(settings.worker.drainSeconds * 1000, stopped, () => false);
      await end(embedder, drained);
      return drained;
    },
  };
}
