/** Doctor's forecast of the run: an index that cannot be built as wanted is said before the rows are embedded. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { ConfigError } from '../../errors.ts';
import { AS_CONFIGURED, FITS } from '../../finalize/choose-index.ts';
import {
  forecastRun,
  indexForecastLine,
  type RunForecast,
  type RunForecastInput,
} from '../../finalize/forecast/run-forecast.ts';
import { tableGrowthLine } from '../../finalize/forecast/table-growth.ts';
import { bytes, count } from '../../observability/format.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { passagesLine, type PassageForecast } from '../passage-forecast.ts';
import type { Finding } from './finding.ts';
import { checkBits } from './index-bits.ts';

/** An index that cannot be built is said before the rows are embedded. */
export async function checkIndexForecast(
  input: Omit<RunForecastInput, 'rows' | 'vectorsPerRow'> & { passages?: PassageForecast | null },
): Promise<Finding[]> {
  const { pool, target, settings } = input;
  const rows = await estimatedRows(pool, target.table);
  try {
    const forecast = await forecastRun({
      ...input,
      rows: Math.round(rows),
      vectorsPerRow: input.passages?.perRow,
    });
    const { passages = null } = input;
    const vectors =
      passages === null
        ? `${count(forecast.rows)} rows`
        : `${count(Math.round(rows))} rows, ${passagesLine(passages)}`;
    const message = `${indexForecastLine(forecast)}${why(forecast)}; before that, ${tableGrowthLine(forecast.tableGrowth)} (${vectors})`;
    const [level, consequence] = shortage(forecast, settings);
    const also = [...unmeasuredFinding(forecast), ...checkBits(forecast.type, settings, input.dimensions)];
    if (level === 'ok') return [{ level, check: 'index', message }, ...also];
    return [
      {
        level,
        check: 'index',
        message: `${message}. ${consequence}`,
        ...remedyOf(forecast, settings),
      },
      ...also,
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy = error.remedy === undefined ? {} : { remedy: error.remedy };
    return [{ level: 'error', check: 'index', message: error.message, ...remedy, option: 'index.type' }];
  }
}

const unmeasuredFinding = ({ unmeasured }: RunForecast): Finding[] =>
  unmeasured === null
    ? []
    : [
        {
          level: 'warn',
          check: 'index-time',
          message: `How long the index build takes could not be measured: ${unmeasured.replace(/\.$/, '')}.`,
          remedy: 'The run needs no such measurement; see to the cause where the build would meet it too.',
        },
      ];

/** What spoke against those that come before it. */
const why = ({ reason }: RunForecast): string =>
  reason === FITS || reason === AS_CONFIGURED ? '' : ` (${reason})`;

/** A graph leaves memory and goes on; without the memory for its centres an IVFFlat index is not built at all. */
function shortage(
  forecast: RunForecast,
  { index: { maintenanceWorkMem, buildMinutes } }: Settings,
): [Finding['level'], string] {
  const { method, memoryBytes, memoryBudget } = forecast;
  const may = bytes(memoryBudget);
  if (memoryBytes > memoryBudget) {
    if (method === 'hnsw')
      return ['warn', `${may} may be used: the rest is inserted row by row, many times slower.`];
    if (maintenanceWorkMem === undefined)
      return ['warn', `More than ${may}: the centres of its lists ask for it, and it will be taken.`];
    return ['error', `${may} may be used, and with less than it asks for the index is not built.`];
  }
  return isTooSlow(forecast, buildMinutes)
    ? ['warn', `${buildMinutes} min are allowed (index.buildMinutes), and it takes longer.`]
    : ['ok', ''];
}

const isTooSlow = ({ seconds }: RunForecast, minutes: number | undefined): boolean =>
  seconds !== null && minutes !== undefined && seconds > 60 * minutes;

function remedyOf(
  forecast: RunForecast,
  { index: { method } }: Settings,
): Pick<Finding, 'remedy' | 'option'> {
  const { memoryBytes, memoryBudget } = forecast;
  const isAuto = method === 'auto';
  if (memoryBytes <= memoryBudget)
    return {
      remedy: `Raise ${optionName('index.buildMinutes')}${isAuto ? '' : `, or set ${optionName('index.method')} to auto`}.`,
      option: 'index.buildMinutes',
    };
  return {
    remedy: `Set ${optionName('index.maintenanceWorkMem')} to ${Math.ceil(memoryBytes / 1024 ** 2)}MB where the server has it${isAuto ? '' : `, or ${optionName('index.method')} to auto`}.`,
    option: 'index.maintenanceWorkMem',
  };
}
