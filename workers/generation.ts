/** The services of one generation in a worker process: its model, its roles and the reconciler beside them. */

import { borrowed, type Embedder, type OpenEmbedder } from '../src/embedding/embedder.ts';
import { settingsWithModel } from '../src/embedding/find-model.ts';
import type { Logger } from '../src/observability/logger.ts';
import { withTimeLimit } from '../src/time-limit.ts';
import { assertModel } from '../src/worker/generations/assert-model.ts';
import type { ServedGeneration } from '../src/worker/generations/served.ts';
import type { GenerationServices } from '../src/worker/generations/supervisor.ts';
import { openContext, type ProcessContext } from '../src/worker/open-context.ts';
import { startReconciler } from '../src/worker/reconciler.ts';
import { firstFault, type Service } from '../src/worker/service.ts';
import { startEmbedWorker } from './embed.ts';
import { startFinalizeWorker } from './finalize.ts';
import { startSyncWorker } from './sync.ts';

/** @throws what keeps its model from being opened */
export async function startGeneration(
  shared: ProcessContext,
  served: ServedGeneration,
  logger: Logger,
  openEmbedder: OpenEmbedder,
): Promise<GenerationServices> {
  const { roles } = shared;
  const settings = await settingsWithModel(served.models, served.made);
  const { context, batches } = await openContext(shared, { ...served.config, settings }, logger);
  const running: Service[] = [];
  const end = async (embedder: Embedder | null, drained: boolean): Promise<void> => {
    await embedder?.close();
    // What did not end in time would be waited for here without end.
    if (drained) await batches.end();
  };
  const open = async (): Promise<Embedder | null> =>
    roles.includes('embed') || roles.includes('sync')
      ? assertModel(
          served,
          await openEmbedder(settings, settings.worker.threads, (line) => context.logger.info(line)),
        )
      : null;
  const embedder = await open().catch(async (error: unknown) => {
    // Or the process would stay for its connections, with nobody at work.
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
    fault: () => firstFault(running),
    async drain() {
      context.throttle.close();
      const stopped = Promise.all(running.map((service) => service.stop())).then(() => true);
      const drained = await withTimeLimit(settings.worker.drainSeconds * 1000, stopped, () => false);
      await end(embedder, drained);
      return drained;
    },
  };
}
