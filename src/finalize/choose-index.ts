/** `index.method: auto`: HNSW on vector, else on halfvec, else on bit, else IVFFlat, by dimensions, memory and time. */

import { optionName } from '../config/option-name.ts';
import type { Settings } from '../config/settings.ts';
import { sizeInBytes } from '../config/values/size.ts';
import { ConfigError } from '../errors.ts';
import {
  hasIndex,
  typesOf,
  type IndexMethod,
  type IndexPlan,
  type PlanSettings,
} from '../table/index-plan.ts';
import { isAtLeast } from '../table/vector-extension.ts';
import { HALFVEC_VERSION, MAX_INDEXED_DIMENSIONS, type IndexedType } from '../table/vector-type.ts';
import { forecastIndex, type IndexResources } from './forecast/index-size.ts';

export interface Candidate extends IndexPlan {
  memoryBytes: number;
  indexBytes: number;
  /** Null where it was not asked for, or cannot be told. */
  seconds: number | null;
  /** Of bits, as far as it is known: what they find of the nearest rows, 0 to 1. */
  recall?: number | null;
  /** Why it is not taken; null where nothing speaks against it. */
  against: string | null;
}

export interface IndexChoice {
  plan: IndexPlan;
  reason: string;
  candidates: Candidate[];
}

export interface ChoiceInput {
  settings: PlanSettings & {
    metric: Settings['metric'];
    model: Pick<Settings['model'], 'normalize'>;
    verify: Pick<Settings['verify'], 'recall'>;
    index: Pick<Settings['index'], 'm' | 'lists' | 'candidates' | 'maintenanceWorkMem' | 'buildMinutes'>;
  };
  rows: number;
  /** Of the largest single build. */
  rowsAtOnce: number;
  dimensions: number;
  /** Of pgvector. */
  version: string;
  /** maintenance_work_mem of the server, bytes. */
  serverMemory: number;
  /** Whether parallel workers build an index of that method. */
  isParallel: (method: IndexMethod) => Promise<boolean>;
  /** Seconds of a build, where there is a limit. */
  secondsOf?: (plan: IndexPlan) => Promise<number | null>;
  /** What bits would find of the nearest rows, 0 to 1; null where it cannot be told, as before there are vectors. */
  recallOfBits?: () => Promise<number | null>;
}

const MIB = 1024 * 1024;
/** Reasons where nothing speaks against another index. */
export const AS_CONFIGURED = 'as configured';
export const FITS = 'fits memory and time';
/** Where nothing is configured: never more than this on a server that serves others. */
export const MAX_DEFAULT_MEMORY = 1024 * MIB;

/** What a build may take: as configured, else the server's own setting or a gigabyte. */
export const memoryBudget = (configured: string | undefined, serverMemory: number): number =>
  configured === undefined ? Math.max(serverMemory, MAX_DEFAULT_MEMORY) : sizeInBytes(configured);

/** @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors. */
export function refuseUnfit({
  settings,
  dimensions,
  version,
}: Pick<ChoiceInput, 'settings' | 'dimensions' | 'version'>): IndexedType[] {
  const types = typesOf(settings, dimensions);
  const known = types
    .filter((type) => type === 'vector' || isAtLeast(version, HALFVEC_VERSION))
    .filter((type) => settings.index.method === 'auto' || hasIndex(settings.index.method, type));
  if (known.length > 0) return known;
  const max = MAX_INDEXED_DIMENSIONS;
  const [type] = types;
  if (type !== undefined && isAtLeast(version, HALFVEC_VERSION))
    throw refused(
      `IVFFlat takes at most ${max.halfvec} dimensions, as halfvec, and the model gives ${dimensions}.`,
      `Set ${optionName('index.method')} to hnsw, which has an index of bits for them, or choose another model.`,
    );
  if (type !== undefined)
    throw refused(
      `An index of ${type} needs pgvector ${HALFVEC_VERSION}, and this server has ${version}.`,
      dimensions > max.vector
        ? `Upgrade pgvector: vectors of more than ${max.vector} dimensions are indexed as halfvec or bit only.`
        : `Upgrade pgvector, or set ${optionName('index.type')} and ${optionName('columnType')} to vector.`,
    );
  const { type: wanted } = settings.index;
  const taken = wanted === 'auto' ? 'bit' : wanted;
  throw refused(
    `An index of type ${taken} takes at most ${max[taken]} dimensions, and the model gives ${dimensions}.`,
    `Set ${optionName('index.type')} to auto${dimensions > max.halfvec ? '' : ' or halfvec'}, or choose another model.`,
  );
}

const refused = (message: string, remedy: string): ConfigError =>
  new ConfigError(message, { code: 'INDEX_REFUSED', remedy });

/** @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors. */
export async function chooseIndex(input: ChoiceInput): Promise<IndexChoice> {
  const { settings } = input;
  const types = refuseUnfit(input);
  if (settings.index.method !== 'auto') {
    const plan = { method: settings.index.method, type: types[0] as IndexedType };
    return { plan, reason: AS_CONFIGURED, candidates: [] };
  }
  const budget = memoryBudget(settings.index.maintenanceWorkMem, input.serverMemory);
  const plans = (['hnsw', 'ivfflat'] as const).flatMap((method) =>
    types.filter((type) => hasIndex(method, type)).map((type) => ({ method, type })),
  );
  const candidates: Candidate[] = [];
  for (const plan of plans) {
    const candidate = await weigh(input, plan, budget);
    candidates.push(candidate);
    if (candidate.against === null) break;
  }
  const taken = takenOf(
    candidates.filter((each) => types.length === 1 || !isUnfit(each, settings)),
    settings.index.maintenanceWorkMem === undefined ? null : budget,
  );
  const before = candidates.filter((each) => each !== taken).map(describe);
  const reason = before.length === 0 ? FITS : before.join('; ');
  return { plan: { method: taken.method, type: taken.type }, reason, candidates };
}

/**
 * The first that fits; else some index, as that is better than none: IVFFlat, where the server may give it what it asks for.
 * With less it is not built at all, while HNSW is, slowly.
 * @param limit bytes that are not to be exceeded; null where there is none
 */
function takenOf(candidates: readonly Candidate[], limit: number | null): Candidate {
  const last = candidates.at(-1) as Candidate;
  if (last.against === null) return last;
  const canBeBuilt = (each: Candidate): boolean =>
    each.method === 'hnsw' || limit === null || each.memoryBytes <= limit;
  return (
    candidates.find((each) => each.method === 'ivfflat' && canBeBuilt(each)) ??
    candidates.findLast(canBeBuilt) ??
    last
  );
}

async function weigh(input: ChoiceInput, plan: IndexPlan, budget: number): Promise<Candidate> {
  const { settings, rows, rowsAtOnce, dimensions } = input;
  const { m, lists } = settings.index;
  const parallel = await input.isParallel(plan.method);
  const forecast = forecastIndex(rows, dimensions, {
    ...plan,
    m,
    lists,
    rowsAtOnce,
    parallel,
  });
  const minutes = settings.index.buildMinutes;
  const seconds = minutes === undefined ? null : ((await input.secondsOf?.(plan)) ?? null);
  const isOpen = plan.type === 'bit' && settings.index.type === 'auto';
  const recall = isOpen && bitsSuit(settings) ? ((await input.recallOfBits?.()) ?? null) : null;
  const { memoryBytes, indexBytes } = forecast;
  const weighed = { ...plan, memoryBytes, indexBytes, seconds, ...(isOpen ? { recall } : {}) };
  const against =
    (isOpen ? unfitness(weighed, settings) : null) ?? objection(forecast, budget, seconds, minutes);
  return { ...weighed, against };
}

type Weighed = Omit<Candidate, 'against'>;

const isUnfit = (candidate: Weighed, settings: ChoiceInput['settings']): boolean =>
  candidate.type === 'bit' && settings.index.type === 'auto' && unfitness(candidate, settings) !== null;

/** Why bits would not find enough; null where they would, as far as that is known. */
function unfitness({ recall = null }: Weighed, settings: ChoiceInput['settings']): string | null {
  if (!bitsSuit(settings))
    return `has no lengths of vectors, by which ${settings.metric} goes as well where ${optionName('model.normalize')} is false`;
  return recall === null || recall >= settings.verify.recall
    ? null
    : `finds about ${(100 * recall).toFixed(0)} % of the nearest rows among ${settings.index.candidates} candidates, and ${optionName('verify.recall')} is ${settings.verify.recall}`;
}

function objection(
  { memoryBytes }: IndexResources,
  budget: number,
  seconds: number | null,
  minutes: number | undefined,
): string | null {
  if (memoryBytes > budget)
    return `needs ${Math.ceil(memoryBytes / MIB)} MB of memory, ${Math.floor(budget / MIB)} MB may be used`;
  if (seconds !== null && minutes !== undefined && seconds > 60 * minutes)
    return `takes about ${(seconds / 60).toFixed(1)} min, ${minutes} min are allowed`;
  return null;
}

/** "HNSW on vector needs 2300 MB of memory, 1024 MB may be used" */
const describe = ({ method, type, against }: Candidate): string =>
  `${method === 'hnsw' ? 'HNSW' : 'IVFFlat'} on ${type} ${against ?? 'fits'}`;

/** Signs of components say nothing of a vector's length: they order rows as the metric does where it goes by directions alone. */
export const bitsSuit = ({ metric, model }: ChoiceInput['settings']): boolean =>
  metric === 'cosine' || model.normalize;
