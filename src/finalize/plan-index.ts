/** What the finalizer is about to build, and what it will take. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { lastBuildRate, type IndexForecast } from '../ledger/run/index-measurements.ts';
import type { Run } from '../ledger/run/run.ts';
import { saveIndexPlan } from '../ledger/backfill/index-plan.ts';
import { rowsOfLargestLeaf } from '../table/partitions.ts';
import { withIndex, type Target } from '../table/backfill-target.ts';
import { findVectorExtension } from '../table/vector-extension.ts';
import { secondsOfBuild, serverMemory } from './forecast/build-time.ts';
import { parallelWorkers } from './build/parallel-workers.ts';
import { chooseIndex } from './choose-index.ts';
import { forecast } from './forecast/index-size.ts';
import { findIndex, wantedIndex } from './index-definition.ts';

export interface PlanIndexInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  run: Run;
}

/**
 * What is there by a choice of before stays; an index that is to be built is chosen by the memory and rows of today.
 * @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors
 */
export async function targetWithIndex(input: PlanIndexInput, rows: number): Promise<Target> {
  const { pool, target, settings, run } = input;
  const isAuto = settings.index.method === 'auto';
  if (isAuto && (await findIndex(pool, target, wantedIndex(target, settings, rows))).kind !== 'none')
    return target;
  const { version } = await findVectorExtension(pool);
  const { plan, reason, candidates } = await chooseIndex({
    settings,
    rows,
    rowsAtOnce: await rowsOfLargestLeaf(pool, target.table, rows),
    dimensions: run.dimensions,
    version: version ?? '0',
    serverMemory: await serverMemory(pool),
    isParallel: async (method) => (await parallelWorkers({ db: pool, target, settings, method })) > 0,
    secondsOf: (each) => buildSeconds(input, withIndex(target, each), rows),
  });
  if (isAuto) {
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

export async function foretell(input: PlanIndexInput, target: Target, rows: number): Promise<IndexForecast> {
  const { pool, run, settings } = input;
  const { m, lists } = settings.index;
  const rowsAtOnce = await rowsOfLargestLeaf(pool, target.table, rows);
  const { method } = target.indexed;
  const parallel = (await parallelWorkers({ db: pool, target, settings, method })) > 0;
  const planned = { ...target.indexed, m, lists, rowsAtOnce, parallel };
  const foretold = forecast(rows, run.dimensions, planned);
  const rate = await lastBuildRate(pool, target.backfill, method);
  return {
    type: target.indexed.type,
    memoryBytes: foretold.memoryBytes,
    sizeBytes: foretold.indexBytes,
    walBytes: foretold.walBytes,
    seconds: rate === null ? await buildSeconds(input, target, rows) : rate * foretold.indexBytes,
  };
}

const buildSeconds = (
  { pool, run, settings }: PlanIndexInput,
  target: Target,
  rows: number,
): Promise<number | null> =>
  secondsOfBuild({ pool, target, settings, rows, dimensions: run.dimensions, source: 'table' });
