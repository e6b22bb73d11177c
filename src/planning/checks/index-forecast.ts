/** Which index there will be and what it will take, before a run: for doctor and for the dry run of `enqueue`. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { explainedByServer } from '../../db/explained-error.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { parallelWorkers } from '../../finalize/build/parallel-workers.ts';
import { secondsOfBuild, serverMemory } from '../../finalize/forecast/build-time.ts';
import {
  AS_CONFIGURED,
  FITS,
  chooseIndex,
  memoryBudget,
  type IndexChoice,
} from '../../finalize/choose-index.ts';
import { forecast, type Forecast } from '../../finalize/forecast/index-size.ts';
import type { FillForecast } from '../../ledger/run/table-growth.ts';
import { bytes, count, duration } from '../../observability/format.ts';
import type { IndexMethod, IndexPlan } from '../../table/index-plan.ts';
import { estimatedRows, rowsOfLargestLeaf } from '../../table/partitions.ts';
import { withIndex, type Target } from '../../table/backfill-target.ts';
import { findAvailableExtension } from '../../table/vector-extension.ts';
import { fillForecast, fillLine } from '../../finalize/forecast/table-growth.ts';
import type { Finding } from './finding.ts';

export interface IndexOutlook extends Forecast, IndexPlan {
  /** Why this one. */
  reason: string;
  /** Of the build; null where it was not asked for or cannot be told before the extension is there. */
  seconds: number | null;
  /** What writing the vectors takes, before the build. */
  fill: FillForecast;
  /** Why the time of the build could not be measured; null where it was, or was not asked for. */
  unmeasured: string | null;
  /** What the build may take, bytes. */
  memoryBudget: number;
}

export interface OutlookInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  dimensions: number;
  rows: number;
  /** Whether to try out how long the build takes, on random vectors: a second or two. */
  calibrate: boolean;
}

/** @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors. */
export async function indexOutlook(input: OutlookInput): Promise<IndexOutlook> {
  const { pool, target, settings, dimensions, rows } = input;
  const { version, available } = await findAvailableExtension(pool);
  const memory = await serverMemory(pool);
  const fill = await fillForecast(input);
  let unmeasured: unknown = null;
  const secondsOf = async (plan: IndexPlan): Promise<number | null> =>
    version === null || !input.calibrate
      ? null
      : secondsOfBuild({
          pool,
          settings,
          dimensions,
          rows,
          source: 'random',
          growth: fill.heapBytes,
          target: withIndex(target, plan),
          onUnmeasured: (error) => (unmeasured ??= error),
        });
  const isParallel = async (method: IndexMethod): Promise<boolean> =>
    (await parallelWorkers({ db: pool, target, settings, method, growth: fill.heapBytes })) > 0;
  const rowsAtOnce = await rowsOfLargestLeaf(pool, target.table, rows);
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
    ...forecast(rows, dimensions, { ...choice.plan, m, lists, rowsAtOnce, parallel }),
    fill,
    seconds,
    unmeasured: unmeasured === null ? null : messageOf(await explainedByServer(pool, unmeasured)),
    memoryBudget: memoryBudget(settings.index.maintenanceWorkMem, memory),
  };
}

/** "HNSW on halfvec: 1.2 GB on disk and as much WAL, 1.4 GB of memory to build, about 3 min" */
export function outlookLine(outlook: IndexOutlook): string {
  const { method, type, indexBytes, memoryBytes, seconds } = outlook;
  const time = seconds === null ? '' : `, about ${duration(seconds)}`;
  return `${method === 'hnsw' ? 'HNSW' : 'IVFFlat'} on ${type}: ${bytes(indexBytes)} on disk and as much WAL, ${bytes(memoryBytes)} of memory to build${time}`;
}

/** An index that cannot be built is said before the rows are embedded. */
export async function checkIndexOutlook(input: Omit<OutlookInput, 'rows'>): Promise<Finding[]> {
  const { pool, target, settings } = input;
  const rows = await estimatedRows(pool, target.table);
  try {
    const outlook = await indexOutlook({ ...input, rows: Math.round(rows) });
    const message = `${outlookLine(outlook)}${why(outlook)}; before that, ${fillLine(outlook.fill)} (${count(outlook.rows)} rows)`;
    const [level, consequence] = shortage(outlook, settings);
    const time = unmeasuredFinding(outlook);
    if (level === 'ok') return [{ level, check: 'index', message }, ...time];
    return [
      {
        level,
        check: 'index',
        message: `${message}. ${consequence}`,
        ...remedyOf(outlook, settings),
      },
      ...time,
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy = error.remedy === undefined ? {} : { remedy: error.remedy };
    return [{ level: 'error', check: 'index', message: error.message, ...remedy, option: 'index.type' }];
  }
}

const unmeasuredFinding = ({ unmeasured }: IndexOutlook): Finding[] =>
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
const why = ({ reason }: IndexOutlook): string =>
  reason === FITS || reason === AS_CONFIGURED ? '' : ` (${reason})`;

/** A graph leaves memory and goes on; without the memory for its centres an IVFFlat index is not built at all. */
function shortage(
  outlook: IndexOutlook,
  { index: { maintenanceWorkMem, buildMinutes } }: Settings,
): [Finding['level'], string] {
  const { method, memoryBytes, memoryBudget } = outlook;
  const may = bytes(memoryBudget);
  if (memoryBytes > memoryBudget) {
    if (method === 'hnsw')
      return ['warn', `${may} may be used: the rest is inserted row by row, many times slower.`];
    if (maintenanceWorkMem === undefined)
      return ['warn', `More than ${may}: the centres of its lists ask for it, and it will be taken.`];
    return ['error', `${may} may be used, and with less than it asks for the index is not built.`];
  }
  return isTooSlow(outlook, buildMinutes)
    ? ['warn', `${buildMinutes} min are allowed (index.buildMinutes), and it takes longer.`]
    : ['ok', ''];
}

const isTooSlow = ({ seconds }: IndexOutlook, minutes: number | undefined): boolean =>
  seconds !== null && minutes !== undefined && seconds > 60 * minutes;

function remedyOf(
  outlook: IndexOutlook,
  { index: { method } }: Settings,
): Pick<Finding, 'remedy' | 'option'> {
  const { memoryBytes, memoryBudget } = outlook;
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
