/** Which generation `enqueue` works on: the one of the configured model, or one that is yet to be planned. Reads only. */

import type { Config } from '../../config/load.ts';
import { withValues } from '../../config/shape.ts';
import { backfillOf, generationName } from '../../config/values/generation-name.ts';
import type { Pool } from '../../db/pool.ts';
import { presentFingerprint } from '../../embedding/open-embedder.ts';
import { GateError } from '../../errors.ts';
import { liveGeneration } from '../../ledger/generation/choose.ts';
import { allGenerations, type Generation } from '../../ledger/generation/generation.ts';
import { configOfGeneration, isConfigured } from '../../ledger/generation/settings.ts';
import {
  answersInPart,
  readModeOf,
  readsVectors,
  showReadChoice,
  type ReadChoice,
} from '../../ledger/reads/read-mode.ts';
import { columnsOfGeneration } from './columns.ts';

export interface WantedPlace {
  beside: boolean;
  inPlace: boolean;
}

export interface PlannedGeneration {
  /** As it is for that generation. */
  config: Config;
  generation: number;
  /** The one that it is planned beside, where it is a new one; else null. */
  beside: {
    generation: number;
    model: string;
    dimensions: number;
    column: string | null;
    isLive: boolean;
  } | null;
}

/** Modes in which some answers come from vectors. */
const answersByVectors = ({ mode, base }: ReadChoice): boolean =>
  answersInPart(mode) || readsVectors({ mode }) || base.generation !== null;

/**
 * Without reads by vectors the generation that is there is embedded again in place, unless its column cannot hold the vectors.
 * @param dimensions of the configured model; null where it could not be opened, which doctor tells
 * @throws GateError where the model is a third one, or reads would be answered by two models at once
 */
export async function planGeneration(
  pool: Pool,
  config: Config,
  wanted: WantedPlace,
  dimensions: () => Promise<number | null>,
): Promise<PlannedGeneration> {
  const all = await allGenerations(pool, config.backfill);
  const present = all.filter(({ isDropped, run }) => !isDropped && run !== null);
  const [first] = present;
  if (first === undefined) return { config, generation: 1, beside: null };
  const own = await configuredIn(present, config);
  if (own !== null) return asItIs(all, config, own);
  if (present.length > 1) throw thirdModel(present, await readModeOf(pool, config.backfill));
  const reads = await readModeOf(pool, config.backfill);
  const read = answersByVectors(reads);
  if (wanted.inPlace && read) throw wouldMix(first, reads);
  const fits = await isHeldBy(first, config, dimensions);
  if (wanted.inPlace && !fits) throw cannotHold(first, config);
  if (!wanted.beside && !read && fits) return inPlace(all, config, first);
  return beside(all, config, first, reads);
}

/** By the files of the model as they are now; by the options alone where those cannot be read. */
async function configuredIn(
  present: readonly Generation[],
  { settings }: Config,
): Promise<Generation | null> {
  for (const generation of present.toReversed()) {
    const { run, stored } = generation;
    if (run === null || !isStoredAlike({ stored }, { settings })) continue;
    const fingerprint = await presentFingerprint(settings, run.dimensions).catch(() => null);
    if (fingerprint === null ? isConfigured(generation, settings) : fingerprint === run.fingerprint)
      return generation;
  }
  return null;
}

/** One generation alone may have other rows, texts or columns from now on; of several each keeps its own column. */
const asItIs = (all: readonly Generation[], config: Config, own: Generation): PlannedGeneration => ({
  config: all.length === 1 ? config : configOfGeneration(config, own),
  generation: own.generation,
  beside: null,
});

const columnTypeOf = (
  { stored }: Pick<Generation, 'stored'>,
  { settings }: Pick<Config, 'settings'>,
): string => (typeof stored['columnType'] === 'string' ? stored['columnType'] : settings.columnType);

/** Nothing is known of the store in the ledger of an older release, which had columns alone. */
const storeOf = ({ stored }: Pick<Generation, 'stored'>): unknown => stored['store'] ?? 'column';

const isStoredAlike = (generation: Pick<Generation, 'stored'>, config: Pick<Config, 'settings'>): boolean =>
  storeOf(generation) === config.settings.store &&
  columnTypeOf(generation, config) === config.settings.columnType;

const columnOf = ({ stored }: Generation, config: Config): string =>
  typeof stored['column'] === 'string' ? stored['column'] : config.settings.column;

async function isHeldBy(
  { run, stored }: Generation,
  { settings }: Config,
  dimensions: () => Promise<number | null>,
): Promise<boolean> {
  if (!isStoredAlike({ stored }, { settings })) return false;
  // A column that the configuration names for it is added beside whatever there is, as ever.
  if (stored['column'] !== settings.column) return true;
  const wanted = await dimensions();
  return wanted === null || wanted === run?.dimensions;
}

/** The model is the configuration's; the column stays where it is. */
function inPlace(all: readonly Generation[], config: Config, generation: Generation): PlannedGeneration {
  const { name, stored } = generation;
  const settings =
    all.length === 1
      ? config.settings
      : withValues(config.settings, [
          ['column', stored['column']],
          ['updatedAtColumn', stored['updatedAtColumn']],
        ]);
  return { config: { ...config, backfill: name, settings }, generation: generation.generation, beside: null };
}

function beside(
  all: readonly Generation[],
  config: Config,
  present: Generation,
  reads: ReadChoice,
): PlannedGeneration {
  const generation = Math.max(...all.map((each) => each.generation)) + 1;
  const backfill = generationName({ backfill: backfillOf(config.backfill), generation });
  const settings = withValues(config.settings, columnsOfGeneration(all, config.settings, generation));
  return {
    config: { ...config, backfill, settings },
    generation,
    beside: {
      generation: present.generation,
      model: present.run?.model ?? '',
      dimensions: present.run?.dimensions ?? 0,
      // Null where its vectors are beside the table.
      column: storeOf(present) === 'table' ? null : columnOf(present, config),
      isLive: liveGeneration(reads) === present.generation,
    },
  };
}

function thirdModel(present: readonly Generation[], reads: ReadChoice): GateError {
  const live = liveGeneration(reads);
  const other = present.findLast(({ generation }) => generation !== live);
  const number = other?.generation ?? 0;
  const models = present.map(
    ({ generation, run }) =>
      `${generation} (${run?.model ?? 'no model'}, ${run?.dimensions ?? 0} dimensions)`,
  );
  const isOlder = live !== null && number < live;
  return new GateError(
    `The configured model is a third one: generations ${models.join(' and ')} are there, and at most one is built beside the live one.`,
    {
      code: 'GENERATION_OPEN',
      remedy: isOlder
        ? `Take the earlier one away first: \`pgvector-backfill complete --generation ${number} --execute\`. Or configure the model of a generation that is there.`
        : `Take the other one away first: \`pgvector-backfill abandon --generation ${number} --execute\`; or go on with it, by the configuration that names its model.`,
    },
  );
}

const cannotHold = (generation: Generation, config: Config): GateError =>
  new GateError(
    storeOf(generation) === config.settings.store
      ? `Column ${columnOf(generation, config)} of generation ${generation.generation} is ${columnTypeOf(generation, config)}(${generation.run?.dimensions ?? 0}), and cannot hold the vectors of the configured model.`
      : `Vectors of generation ${generation.generation} are ${storeOf(generation) === 'table' ? 'in a table beside' : 'in a column of'} the table, and the configured store is another one.`,
    {
      code: 'IN_PLACE',
      remedy: 'Leave --in-place out: another generation gets a column or a table of its own beside it.',
    },
  );

const wouldMix = ({ generation }: Generation, reads: ReadChoice): GateError =>
  new GateError(
    `Reads are ${showReadChoice(reads)}: embedded again in place, rows of generation ${generation} would have vectors of two models, and searches would compare one with the other.`,
    {
      code: 'READS_BY_VECTORS',
      remedy:
        'Leave --in-place out: another generation is built beside the live one. Or bring reads back first: `pgvector-backfill rollback --to legacy --execute`.',
    },
  );
