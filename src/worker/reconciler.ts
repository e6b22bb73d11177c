/** Beside the roles of every worker: ledger and queue compared at intervals, and the run's options with this worker's. */

import { setTimeout as delay } from 'node:timers/promises';
import { modelDifference, modelFacts } from '../embedding/open-embedder.ts';
import { messageOf } from '../errors.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { latestRun } from '../ledger/run/run.ts';
import { scopeDifference } from '../ledger/run/scope.ts';
import { reconcile } from '../planning/reconcile.ts';
import { removeReport } from '../ledger/progress/worker-report.ts';
import { WORKER_NAME } from '../observability/worker-name.ts';
import { withTimeLimit } from '../time-limit.ts';
import { openQueues } from '../queue/connection.ts';
import type { WorkerContext } from './context.ts';
import { ProgressWatch } from './progress-watch.ts';
import type { Service } from './service.ts';

/** A failover is through in about this time; a look costs two counts. */
const RECONCILE_MS = 30_000;
/** For a last word to a database that may be away. */
const LEAVE_MS = 2000;

export function startReconciler(context: WorkerContext): Service {
  const { pool, backfill, settings, logger } = context;
  const { reconcileMs = RECONCILE_MS } = context.times;
  const open = openQueues(context.address);
  const watch = new ProgressWatch(context, open);
  const stop = new AbortController();
  const queues = { embed: open.embed.queue, finalize: open.finalize.queue };
  let told = '';

  async function look(): Promise<void> {
    const difference = await optionsDifference(context);
    if (difference !== null && difference !== told) {
      await recordEvent(pool, {
        backfill,
        run: null,
        level: 'warn',
        kind: 'worker.options',
        message: difference,
      });
      logger.warn({ difference }, 'other options than the run was planned for');
    }
    told = difference ?? '';
    const found = await reconcile({ pool, backfill, settings, queues, quietSeconds: reconcileMs / 1000 });
    if (found.batches > 0 || found.finalizer) logger.warn(found, 'ledger and queue reconciled');
  }

  const keepReconciled = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      // Side by side: a queue that does not answer is what the watch is to say.
      await Promise.all(
        [look(), watch.look()].map((looking) =>
          looking.catch((error: unknown) => {
            if (!stop.signal.aborted)
              logger.warn({ err: messageOf(error) }, 'ledger and queue could not be compared');
          }),
        ),
      );
      await delay(reconcileMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  };
  const reconciling = keepReconciled();
  return {
    stop: async () => {
      stop.abort();
      // First: what waits for a server that is away or silent fails by it.
      await Promise.all(Object.values(open).map((each) => each.close()));
      await reconciling;
      const left = removeReport(pool, backfill, WORKER_NAME).catch(() => {});
      await withTimeLimit(LEAVE_MS, left, () => {});
    },
  };
}

/** Null where the worker is as the run was planned; also before the first run. */
async function optionsDifference({ pool, backfill, settings }: WorkerContext): Promise<string | null> {
  const run = await latestRun(pool, backfill);
  if (run === null) return null;
  const scope = scopeDifference(run.scope, settings);
  const model =
    Object.keys(run.embedding).length === 0 ? null : modelDifference(run.embedding, modelFacts(settings));
  const parts = [
    ...(scope === null
      ? []
      : [`goes by the options of run ${run.id} in place of this worker's own (${scope})`]),
    ...(model === null ? [] : [`cannot embed for run ${run.id} (${model})`]),
  ];
  return parts.length === 0 ? null : `a worker ${parts.join(', and ')}`;
}
