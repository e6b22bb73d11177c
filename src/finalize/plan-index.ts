/** Which index the finalizer is about to build. */

import { recordEvent } from '../ledger/event/event.ts';
import { saveIndexPlan } from '../ledger/backfill/index-plan.ts';
import { rowsOfLargestLeaf } from '../table/estimated-rows.ts';
import { withIndex, type Target } from '../table/backfill-target.ts';
import { findVectorExtension } from '../table/vector-extension.ts';
import { serverMemory } from './forecast/build-time.ts';
import { forecastBitsRecall } from './forecast/bits-recall.ts';
import { buildSeconds, type BuildForecastInput } from './forecast/index-build.ts';
import { parallelWorkers } from './build/parallel-workers.ts';
import { chooseIndex } from './choose-index.ts';
import { findIndex, wantedIndex } from './index-definition.ts';

/**
 * What is there by a choice of before stays; an index that is to be built is chosen by the memory and rows of today.
 * @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors
 */
export async function targetWithIndex(input: BuildForecastInput, rows: number): Promise<Target> {
  const { pool, target, settings, run } = input;
  const isAuto = settings.index.method === 'auto';
  const { name: taken } = target.indexed;
  if (
    (isAuto || taken !== undefined) &&
    (await findIndex(pool, target, wantedIndex(target, settings, rows))).kind !== 'none'
  )
    return target;
  const { version } = await findVectorExtension(pool);
  const { plan, reason, candidates } = await chooseIndex({
    settings,
    rows,
    rowsAtOnce: await rowsOfLargestLeaf(pool, target.store, rows),
    dimensions: run.dimensions,
    version: version ?? '0',
    serverMemory: await serverMemory(pool),
    isParallel: async (method) => (await parallelWorkers({ db: pool, target, settings, method })) > 0,
    secondsOf: (each) => buildSeconds(input, withIndex(target, each), rows),
    recallOfBits: () =>
      forecastBitsRecall({ pool, target, metric: settings.metric, dimensions: run.dimensions, rows }),
  });
  // One that was taken over and is gone is built by its own name.
  if (isAuto || taken !== undefined) {
    await saveIndexPlan(pool, target.backfill, plan);
    await recordEvent(pool, {
      backfill: target.backfill,
      run: run.id,
      level: 'info',
      kind: 'index.chosen',
      message: `${plan.method} on ${plan.type}: ${reason}`,
      detail: { candidates },
    });
  }
  return withIndex(target, plan);
}
