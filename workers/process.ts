/** A worker process: the generations of its backfill, served and drained. The demo runs the very same in its own process. */

import { processHost } from '../src/cli/host.ts';
import type { Config } from '../src/config/load.ts';
import type { Pool } from '../src/db/pool.ts';
import type { Logger } from '../src/observability/logger.ts';
import { QUEUE_ROLES, type QueueRole } from '../src/queue/connection.ts';
import { Supervisor } from '../src/worker/generations/supervisor.ts';
import { startMetricsServer } from '../src/worker/metrics-server.ts';
import { openProcess } from '../src/worker/open-context.ts';
import type { WorkerOptions, WorkerProcess } from '../src/worker/process.ts';
import { startGeneration } from './generation.ts';

export async function startWorkers(
  config: Config,
  pool: Pool,
  processLogger: Logger,
  roles: readonly QueueRole[] = QUEUE_ROLES,
  { openEmbedder = processHost().openEmbedder, times = {} }: WorkerOptions = {},
): Promise<WorkerProcess> {
  const shared = await openProcess(config, pool, processLogger, { times, roles });
  const { logger } = shared;
  const generations = new Supervisor({
    pool,
    config,
    logger,
    times,
    start: (served, quiet) => startGeneration(shared, served, quiet, openEmbedder),
  });
  const fault = (): Promise<string | null> => generations.fault();
  // First, so that a port that is taken is told before a model is loaded.
  const metrics = await startMetricsServer(shared, config.settings, fault);
  try {
    await generations.begin();
  } catch (error) {
    // Or the process would stay for its listener, with nobody at work.
    await metrics?.close();
    throw error;
  }
  return {
    metricsUrl: metrics?.url ?? null,
    fault,
    async drain() {
      const drained = await generations.drain();
      await metrics?.close();
      return drained;
    },
  };
}
