/** What an application gives in options, as far as it is about the generation that is asked. */

import { OPTION_PATHS, type OptionPath } from '../../config/options.ts';
import type { Settings, SomeSettings } from '../../config/settings.ts';
import { valueAt, withValues } from '../../config/shape.ts';
import { mayBeTaken } from '../../config/values/dtype.ts';
import { OF_COLUMN, isOfGeneration, namesAnotherModel } from '../../ledger/generation/settings.ts';

/** Where model files are on this machine: of whichever model. */
const OF_MACHINE = [
  'model.localPath',
  'model.hub',
  'model.allowDownload',
] as const satisfies readonly OptionPath[];

/**
 * Without where another generation has its vectors, and without that one's model: half of an application may have been deployed
 * with the options of the model that goes, or that comes.
 */
export function optionsOfGeneration(given: SomeSettings, stored: SomeSettings): SomeSettings {
  const foreign = namesAnotherModel(given, stored) ? OPTION_PATHS.filter(isOfGeneration) : [];
  const kept = new Set<OptionPath>(OF_MACHINE);
  return without(given, [...OF_COLUMN, ...foreign.filter((path) => !kept.has(path))]);
}

/** Which precision was taken when the rows were embedded, where the application leaves it open. */
export function withTakenDtype(given: SomeSettings, stored: SomeSettings): SomeSettings {
  const taken = valueAt(stored, 'model.dtype');
  return taken !== undefined && mayBeTaken(valueAt(given, 'model.dtype'), taken)
    ? without(given, ['model.dtype'])
    : given;
}

/**
 * By which the model is looked for, one after the other: the application's own folder first, then where the ledger says that
 * `enqueue` had it.
 */
export function modelSettings(settings: Settings, stored: SomeSettings): Settings[] {
  const elsewhere = withValues(
    settings,
    OF_MACHINE.flatMap((path) => {
      const value = valueAt(stored, path);
      return value === undefined ? [] : [[path, value] as const];
    }),
  );
  const isSame = OF_MACHINE.every((path) => valueAt(settings, path) === valueAt(elsewhere, path));
  return isSame || settings.model.endpoint !== undefined ? [settings] : [settings, elsewhere];
}

/**
 * The key of a server is told to no other server. One that is given without its server is that of the first generation; of the
 * last where there is a key of an earlier one beside it.
 */
export function withOwnKey(settings: Settings, given: SomeSettings, all: readonly SomeSettings[]): Settings {
  const earlier = valueAt(given, 'model.earlierApiKey');
  const meant = earlier === undefined ? all.at(0) : all.at(-1);
  const server = valueAt(given, 'model.endpoint') ?? valueAt(meant ?? {}, 'model.endpoint');
  if (settings.model.endpoint === server) return settings;
  return withValues(settings, [
    ['model.apiKey', settings.model.endpoint === undefined ? undefined : earlier],
  ]);
}

export const without = (settings: SomeSettings, paths: readonly OptionPath[]): SomeSettings =>
  withValues(
    settings,
    paths.map((path) => [path, undefined]),
  );
