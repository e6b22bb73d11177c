/** What a whole table with the vectors of a model would take, by what was measured on a sample of it. Reads only. */

import { withValues } from '../../config/shape.ts';
import type { Settings } from '../../config/settings.ts';
import { forecastRun } from '../../finalize/forecast/run-forecast.ts';
import { grownBytes } from '../../finalize/forecast/wording.ts';
import type { IndexMethod } from '../../table/index-plan.ts';
import type { IndexedType } from '../../table/vector-type.ts';
import type { LongTextMode } from '../ranking/rank-model.ts';
import { describeForComparison, type AskInput } from './known-items.ts';

export interface ModelForecast {
  rows: number;
  vectors: number;
  /** Of embedding all rows by the processes of this machine. */
  seconds: number;
  index: { method: IndexMethod; type: IndexedType };
  indexBytes: number;
  /** maintenance_work_mem that its build asks for, and what it may have. */
  memoryBytes: number;
  memoryBudget: number;
  /** New row versions, or the table beside, until autovacuum has been by. */
  tableBytes: number;
  stageBytes: number;
  /** The three together. */
  diskBytes: number;
  walBytes: number;
}

export interface ForecastInput extends Pick<AskInput, 'pool' | 'backfill'> {
  /** With the model's own. */
  settings: Settings;
  /** Of the table. */
  rows: number;
  dimensions: number;
}

/** What it takes but for its time. @throws ConfigError (`INDEX_REFUSED`) where the vectors cannot be indexed as configured */
export async function forecastStorage(
  input: ForecastInput,
  mode: LongTextMode,
  vectorsPerRow = 1,
): Promise<Omit<ModelForecast, 'seconds'>> {
  const { pool, rows, dimensions } = input;
  const settings = settingsOfMode(input.settings, mode);
  const target = await describeForComparison(input, settings);
  const found = await forecastRun({
    pool,
    target,
    settings,
    dimensions,
    rows,
    vectorsPerRow,
    // Its small index would be in a temporary table: nothing is written here.
    calibrate: false,
  });
  const { method, type, indexBytes, memoryBytes, memoryBudget, tableGrowth } = found;
  const tableBytes = grownBytes(tableGrowth) + tableGrowth.toastBytes + tableGrowth.otherIndexBytes;
  const { stageBytes } = tableGrowth;
  return {
    rows,
    vectors: found.rows,
    index: { method, type },
    indexBytes,
    memoryBytes,
    memoryBudget,
    tableBytes,
    stageBytes,
    diskBytes: tableBytes + stageBytes + indexBytes,
    walBytes: tableGrowth.walBytes + found.walBytes,
  };
}

/** Passages are beside the table alone. */
const settingsOfMode = (settings: Settings, mode: LongTextMode): Settings =>
  withValues(settings, [
    ['model.longText', mode],
    ['store', mode === 'chunks' ? 'table' : settings.store],
  ]);
