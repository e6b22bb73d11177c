/** What a run will take, before it begins: growth of the table, and which index there will be and what that takes. */

import type { Settings } from '../../config/settings.ts';
import { explainedByServer } from '../../db/explained-error.ts';
import type { Pool } from '../../db/pool.ts';
import { messageOf } from '../../errors.ts';
import type { TableGrowthForecast } from '../../ledger/run/table-growth.ts';
import { bytes, duration } from '../../observability/format.ts';
import { withIndex, type Target } from '../../table/backfill-target.ts';
import type { IndexMethod, IndexPlan } from '../../table/index-plan.ts';
import { rowsOfLargestLeaf } from '../../table/estimated-rows.ts';
import { findAvailableExtension } from '../../table/vector-extension.ts';
import { parallelWorkers } from '../build/parallel-workers.ts';
import { chooseIndex, memoryBudget, type IndexChoice } from '../choose-index.ts';
import { forecastBuildSeconds, serverMemory } from './build-time.ts';
import { forecastIndex, type IndexResources } from './index-size.ts';
import { forecastTableGrowth } from './table-growth.ts';
import { grownBytes } from './wording.ts';

export interface RunForecast extends IndexResources, IndexPlan {
  /** Why this one. */
  reason: string;
  /** Of the build; null where it was not asked for or cannot be told before the extension is there. */
  seconds: number | null;
  /** Of writing the vectors, before the build. */
  tableGrowth: TableGrowthForecast;
  /** Why the time of the build could not be measured; null where it was, or was not asked for. */
  unmeasured: string | null;
  /** What the build may take, bytes. */
  memoryBudget: number;
}

export interface RunForecastInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  dimensions: number;
  rows: number;
  /** Of each row, where that is more than one. */
  vectorsPerRow?: number | undefined;
  /** Whether to try out how long the build takes, on random vectors: a second or two. */
  calibrate: boolean;
}

/** @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors. */
export async function forecastRun(input: RunForecastInput): Promise<RunForecast> {
  const { pool, target, settings, dimensions, vectorsPerRow = 1 } = input;
  const rows = Math.round(input.rows * vectorsPerRow);
  const { version, available } = await findAvailableExtension(pool);
  const memory = await serverMemory(pool);
  const tableGrowth = await forecastTableGrowth(input);
  let unmeasured: unknown = null;
  const secondsOf = async (plan: IndexPlan): Promise<number | null> =>
    version === null || !input.calibrate
      ? null
      : forecastBuildSeconds({
          pool,
          settings,
          dimensions,
          rows,
          source: 'random',
          growth: grownBytes(tableGrowth),
          target: withIndex(target, plan),
          onUnmeasured: (error) => (unmeasured ??= error),
        });
  const isParallel = async (method: IndexMethod): Promise<boolean> =>
    (await parallelWorkers({ db: pool, target, settings, method, growth: grownBytes(tableGrowth) })) > 0;
  const rowsAtOnce = await rowsOfLargestLeaf(pool, target.store, rows);
  const choice: IndexChoice = await chooseIndex({
    settings,
    rows,
    rowsAtOnce,
    dimensions,
    version: version ?? available ?? '0',
    serverMemory: memory,
    isParallel,
    secondsOf,
  });
  const { m, lists } = settings.index;
  const parallel = await isParallel(choice.plan.method);
  const { method, type } = choice.plan;
  const taken = choice.candidates.find((each) => each.method === method && each.type === type);
  const known = taken?.seconds ?? null;
  const seconds = known ?? (await secondsOf(choice.plan));
  return {
    ...choice.plan,
    reason: choice.reason,
    ...forecastIndex(rows, dimensions, {
      ...choice.plan,
      m,
      lists,
      rowsAtOnce,
      parallel,
    }),
    tableGrowth,
    seconds,
    unmeasured: unmeasured === null ? null : messageOf(await explainedByServer(pool, unmeasured)),
    memoryBudget: memoryBudget(settings.index.maintenanceWorkMem, memory),
  };
}

/** "HNSW on halfvec: 1.2 GB on disk and as much WAL, 1.4 GB of memory to build, about 3 min" */
export function indexForecastLine(forecast: RunForecast): string {
  const { method, type, indexBytes, memoryBytes, seconds } = forecast;
  const time = seconds === null ? '' : `, about ${duration(seconds)}`;
  return `${method === 'hnsw' ? 'HNSW' : 'IVFFlat'} on ${type}: ${bytes(indexBytes)} on disk and as much WAL, ${bytes(memoryBytes)} of memory to build${time}`;
}
