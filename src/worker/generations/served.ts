/** Which generations a worker process serves, each by the options of its own. */

import type { Config } from '../../config/load.ts';
import { OPTION_PATHS } from '../../config/options.ts';
import type { Settings } from '../../config/settings.ts';
import { valueAt } from '../../config/shape.ts';
import type { Queryable } from '../../db/pool.ts';
import { allGenerations, type Generation } from '../../ledger/generation/generation.ts';
import { configOfGeneration, modelCandidates } from '../../ledger/generation/settings.ts';
import { answersInPart, readModeOf, readsVectors } from '../../ledger/reads/read-mode.ts';

export interface ServedGeneration {
  config: Config;
  /** Of the latest run; null where the worker may be about to work for another model of the only generation. */
  made: { fingerprint: string; dimensions: number } | null;
  /** Settings by which its model may be found on this machine, the likeliest first. */
  models: readonly Settings[];
}

/**
 * Those that have a run. Of a backfill with one generation the configuration itself: before the first `enqueue`, and where the
 * next one embeds again in place. While reads are answered by vectors, another model comes beside them, and what is there is
 * kept in line by its own.
 */
export async function servedGenerations(db: Queryable, config: Config): Promise<ServedGeneration[]> {
  const all = await allGenerations(db, config.backfill);
  const present = all.filter(({ run, isDropped }) => run !== null && !isDropped);
  const [first] = all;
  if (first === undefined || (all.length === 1 && !first.isDropped)) return [await only(db, config, first)];
  return present.map((each) => ownModel(config, each));
}

const ownModel = (config: Config, generation: Generation): ServedGeneration => ({
  config: configOfGeneration(config, generation),
  made: generation.run,
  models: modelCandidates(config.settings, generation),
});

async function only(
  db: Queryable,
  config: Config,
  generation: Generation | undefined,
): Promise<ServedGeneration> {
  const asConfigured = { config, made: null, models: [config.settings] };
  if (generation === undefined || generation.run === null) return asConfigured;
  const mode = await readModeOf(db, config.backfill);
  if (!readsVectors(mode) && !answersInPart(mode.mode)) return asConfigured;
  return ownModel(config, generation);
}

/** Whether services that were started for the one would do for the other as they are. */
export const servesAs = (one: ServedGeneration, other: ServedGeneration): boolean =>
  optionsOf(one) === optionsOf(other) &&
  (one.made === null || other.made === null || one.made.fingerprint === other.made.fingerprint);

const optionsOf = ({ config }: ServedGeneration): string =>
  JSON.stringify(OPTION_PATHS.map((path) => valueAt(config.settings, path) ?? null));
