/** `index.method: auto`: HNSW on vector, else on halfvec, else IVFFlat, by dimensions, memory and time. */

import type { Settings } from '../config/settings.ts';
import { sizeInBytes } from '../config/size.ts';
import { ConfigError } from '../errors.ts';
import { typesOf, type IndexPlan } from '../table/index-plan.ts';
import { isAtLeast } from '../table/vector-extension.ts';
import { HALFVEC_VERSION, MOST_INDEXED_DIMENSIONS, type VectorType } from '../table/vector-type.ts';
import { forecast, type Forecast } from './forecast.ts';

export interface Candidate extends IndexPlan {
  memoryBytes: number;
  indexBytes: number;
  /** Null where it was not asked for, or cannot be told. */
  seconds: number | null;
  /** Why it is not taken; null where nothing speaks against it. */
  against: string | null;
}

export interface IndexChoice {
  plan: IndexPlan;
  reason: string;
  candidates: Candidate[];
}

export interface ChoiceInput {
  settings: Pick<
    Settings,
    'indexMethod' | 'indexType' | 'columnType' | 'indexM' | 'indexLists' | 'indexMemory' | 'indexBuildMinutes'
  >;
  rows: number;
  /** Of the largest single build. */
  rowsAtOnce: number;
  dimensions: number;
  /** Of pgvector. */
  version: string;
  /** maintenance_work_mem of the server, bytes. */
  serverMemory: number;
  /** Seconds of a build, where there is a limit. */
  secondsOf?: (plan: IndexPlan) => Promise<number | null>;
}

const MIB = 1024 * 1024;
/** Where nothing is configured: never more than this on a server that serves others. */
export const MOST_DEFAULT_MEMORY = 1024 * MIB;

/** What a build may take: as configured, else the server's own setting or a gigabyte. */
export const memoryBudget = (indexMemory: string | undefined, serverMemory: number): number =>
  indexMemory === undefined ? Math.max(serverMemory, MOST_DEFAULT_MEMORY) : sizeInBytes(indexMemory);

/** @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors. */
export function refuseUnfit({
  settings,
  dimensions,
  version,
}: Pick<ChoiceInput, 'settings' | 'dimensions' | 'version'>): VectorType[] {
  const types = typesOf(settings, dimensions);
  const known = types.filter((type) => type === 'vector' || isAtLeast(version, HALFVEC_VERSION));
  if (known.length > 0) return known;
  const most = MOST_INDEXED_DIMENSIONS;
  if (dimensions > most.halfvec)
    throw refused(
      `The model gives ${dimensions} dimensions; HNSW and IVFFlat take at most ${most.halfvec}, as halfvec.`,
      'Choose a model of fewer dimensions (model.name, model.localPath).',
    );
  if (types.length > 0)
    throw refused(
      `An index of halfvec needs pgvector ${HALFVEC_VERSION}, and this server has ${version}.`,
      dimensions > most.vector
        ? `Upgrade pgvector: vectors of more than ${most.vector} dimensions are indexed as halfvec only.`
        : 'Upgrade pgvector, or set index.type (env BACKFILL_INDEX_TYPE) and columnType to vector.',
    );
  throw refused(
    `An index of type vector takes at most ${most.vector} dimensions, and the model gives ${dimensions}.`,
    'Set index.type (--index-type, env BACKFILL_INDEX_TYPE) to auto or halfvec, or choose another model.',
  );
}

const refused = (message: string, remedy: string): ConfigError =>
  new ConfigError(message, { code: 'INDEX_REFUSED', remedy });

/** @throws ConfigError (`INDEX_REFUSED`) where no index of the configured kind takes the vectors. */
export async function chooseIndex(input: ChoiceInput): Promise<IndexChoice> {
  const { settings } = input;
  const types = refuseUnfit(input);
  const first = types[0] as VectorType;
  if (settings.indexMethod !== 'auto') {
    const plan = { method: settings.indexMethod, type: first };
    return { plan, reason: 'as configured', candidates: [] };
  }
  const budget = memoryBudget(settings.indexMemory, input.serverMemory);
  const plans: IndexPlan[] = [
    ...types.map((type) => ({ method: 'hnsw' as const, type })),
    { method: 'ivfflat', type: first },
  ];
  const candidates: Candidate[] = [];
  for (const plan of plans) {
    const candidate = await weigh(input, plan, budget);
    candidates.push(candidate);
    if (candidate.against === null) break;
  }
  // IVFFlat at last, whatever speaks against it: some index is better than none.
  const taken = candidates.at(-1) as Candidate;
  const before = candidates.slice(0, -1).map(describe);
  const reason = before.length === 0 ? 'fits memory and time' : before.join('; ');
  return { plan: { method: taken.method, type: taken.type }, reason, candidates };
}

async function weigh(input: ChoiceInput, plan: IndexPlan, budget: number): Promise<Candidate> {
  const { settings, rows, rowsAtOnce, dimensions } = input;
  const { indexM, indexLists } = settings;
  const foretold = forecast(rows, dimensions, { ...plan, m: indexM, lists: indexLists, rowsAtOnce });
  const minutes = settings.indexBuildMinutes;
  const seconds = minutes === undefined ? null : ((await input.secondsOf?.(plan)) ?? null);
  return {
    ...plan,
    memoryBytes: foretold.memoryBytes,
    indexBytes: foretold.indexBytes,
    seconds,
    against: objection(foretold, budget, seconds, minutes),
  };
}

function objection(
  { memoryBytes }: Forecast,
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
