/** What the build of a run's index takes, by the memory and the rows of its moment. */

import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { lastBuildRate, type IndexForecast } from '../../ledger/run/index-measurements.ts';
import type { Run } from '../../ledger/run/run.ts';
import { rowsOfLargestLeaf } from '../../table/estimated-rows.ts';
import type { Target } from '../../table/backfill-target.ts';
import { parallelWorkers } from '../build/parallel-workers.ts';
import { forecastBuildSeconds } from './build-time.ts';
import { forecastIndex } from './index-size.ts';

export interface BuildForecastInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  run: Run;
}

/** @param target with the index that is to be built */
export async function forecastBuild(
  input: BuildForecastInput,
  target: Target,
  rows: number,
): Promise<IndexForecast> {
  const { pool, run, settings } = input;
  const { m, lists } = settings.index;
  const rowsAtOnce = await rowsOfLargestLeaf(pool, target.store, rows);
  const { method } = target.indexed;
  const parallel = (await parallelWorkers({ db: pool, target, settings, method })) > 0;
  const planned = { ...target.indexed, m, lists, rowsAtOnce, parallel };
  const forecast = forecastIndex(rows, run.dimensions, planned);
  const rate = await lastBuildRate(pool, target.backfill, method);
  return {
    type: target.indexed.type,
    memoryBytes: forecast.memoryBytes,
    sizeBytes: forecast.indexBytes,
    walBytes: forecast.walBytes,
    seconds: rate === null ? await buildSeconds(input, target, rows) : rate * forecast.indexBytes,
  };
}

/** By a calibration on vectors of the table. */
export const buildSeconds = (
  { pool, run, settings }: BuildForecastInput,
  target: Target,
  rows: number,
): Promise<number | null> =>
  forecastBuildSeconds({ pool, target, settings, rows, dimensions: run.dimensions, source: 'table' });
