/** A worker process: roles started, drained, stopped. The demo runs the very same in its own process. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import { openEmbedder } from '../../src/embedding/configured.ts';
import { lent, type Embedder } from '../../src/embedding/embedder.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { QUEUE_ROLES, type QueueRole } from '../../src/queue/connection.ts';
import type { RunningWorker } from '../../workers/context.ts';
import { startEmbedWorker } from '../../workers/embed.ts';
import { startFinalizeWorker } from '../../workers/finalize.ts';
import { startSyncWorker } from '../../workers/sync.ts';
import { prepareQueues } from './session.ts';

export interface WorkerProcess {
  /** Lets batches in flight end, within the configured time. @returns false where they did not. */
  drain(): Promise<boolean>;
}

export async function startWorkers(
  config: Config,
  pool: Pool,
  logger: Logger,
  roles: readonly QueueRole[] = QUEUE_ROLES,
): Promise<WorkerProcess> {
  const { settings, backfill } = config;
  const address = await prepareQueues(config, pool, logger);
  const context = { backfill, settings, pool, address, logger };
  const embeds = roles.includes('embed') || roles.includes('sync');
  const embedder: Embedder | null = embeds ? await openEmbedder(settings) : null;
  // The gate embeds a few rows again: with the processes that are there, or with one of its own.
  const gateEmbedder = (): Promise<Embedder> =>
    embedder === null ? openEmbedder(settings, 1) : Promise.resolve(lent(embedder));
  const running: RunningWorker[] = [];
  if (embedder !== null && roles.includes('embed')) running.push(startEmbedWorker(context, embedder));
  if (embedder !== null && roles.includes('sync')) running.push(startSyncWorker(context, embedder));
  if (roles.includes('finalize')) running.push(startFinalizeWorker(context, gateEmbedder));
  return {
    async drain() {
      const closed = Promise.all(running.map((worker) => worker.close())).then(() => true);
      const deadline = new AbortController();
      const late = delay(settings.drainSeconds * 1000, false, { signal: deadline.signal }).catch(() => false);
      const drained = await Promise.race([closed, late]);
      deadline.abort();
      await embedder?.close();
      return drained;
    },
  };
}
