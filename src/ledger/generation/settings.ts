/** The options of a generation: what makes its vectors is its own, whatever the configuration says now. */

import type { Config } from '../../config/load.ts';
import { OPTIONS, OPTION_PATHS, type OptionPath } from '../../config/options.ts';
import { readStored } from '../../config/section.ts';
import type { Settings, SomeSettings } from '../../config/settings.ts';
import { valueAt, withValues } from '../../config/shape.ts';
import { mayBeTaken } from '../../config/values/dtype.ts';
import type { Generation } from './generation.ts';

/** What a vector of the same text depends on, as far as options say it. */
const OF_VECTORS: readonly OptionPath[] = [
  'model.name',
  'model.dtype',
  'model.pooling',
  'model.normalize',
  'model.maxTokens',
  'model.revision',
  'model.documentPrefix',
  'model.longText',
  'model.chunkTokens',
  'model.chunkOverlap',
  'model.maxChunks',
  'model.endpoint',
  'model.dimensions',
  'mask.types',
  'mask.rules',
];

/** Where a generation's vectors are, whatever is configured for the one that comes. */
export const OF_COLUMN: readonly OptionPath[] = ['store', 'column', 'updatedAtColumn', 'columnType'];

/** What is a generation's own, whatever is configured for another one. */
export const isOfGeneration = (path: OptionPath): boolean =>
  path.startsWith('model.') ||
  path.startsWith('mask.') ||
  path.startsWith('index.') ||
  ['text', 'where', 'key', 'metric'].includes(path);

const shown = (of: object, path: OptionPath): string =>
  JSON.stringify(valueAt(of, path) ?? OPTIONS[path].fallback ?? null);

/** One model may move from server to server: its address is no part of what it is. */
const shownModel = (of: object, path: OptionPath): string =>
  path === 'model.endpoint' ? String(valueAt(of, path) !== undefined) : shown(of, path);

/** Which one a folder has answered with, that of another machine perhaps, is what the kept options say. */
const isTaken = (path: OptionPath, now: object, kept: object): boolean =>
  path === 'model.dtype' && mayBeTaken(valueAt(now, path), valueAt(kept, path));

/** Whether the configuration speaks of this generation's model, as far as options say it; its files are not looked at. */
export function isConfigured({ stored }: Pick<Generation, 'stored'>, settings: Settings): boolean {
  const kept = readStored(stored);
  return OF_VECTORS.every(
    (path) => shownModel(kept, path) === shownModel(settings, path) || isTaken(path, settings, kept),
  );
}

/** Whether some of the options that are given belong to another model than the stored ones; what is not given belongs to any. */
export const namesAnotherModel = (given: SomeSettings, stored: SomeSettings): boolean =>
  OF_VECTORS.some(
    (path) =>
      valueAt(given, path) !== undefined &&
      shown(given, path) !== shown(stored, path) &&
      !isTaken(path, given, stored),
  );

/**
 * The configuration as it is for that generation. The model's options are those of its last `enqueue` unless the configuration
 * names that model: then they are the configuration's, such as the folder of the models on this machine. Which folder has that
 * model's files is not looked at: see `modelCandidates`.
 */
export function configOfGeneration(config: Config, generation: Generation): Config {
  const settings = isConfigured(generation, config.settings)
    ? withColumn(config.settings, generation)
    : withStored(config.settings, generation);
  return { ...config, backfill: generation.name, settings };
}

/**
 * Settings by which its model may be found on this machine, the likeliest first: two generations may have models of one name
 * in two folders, and another machine has its folders elsewhere. `settingsWithModel` tells them apart by the files.
 */
export function modelCandidates(configured: Settings, generation: Generation): Settings[] {
  const stored = withStored(configured, generation);
  const own = isConfigured(generation, configured) ? [withColumn(configured, generation)] : [];
  const { localPath } = configured.model;
  const here =
    stored.model.localPath === localPath ? [] : [withValues(stored, [['model.localPath', localPath]])];
  return [...own, stored, ...here];
}

const withColumn = (configured: Settings, generation: Generation): Settings =>
  withKey(configured, take(configured, generation, OF_COLUMN));

const withStored = (configured: Settings, generation: Generation): Settings =>
  withKey(configured, take(configured, generation, [...OF_COLUMN, ...OPTION_PATHS.filter(isOfGeneration)]));

function take(configured: Settings, { stored }: Generation, paths: readonly OptionPath[]): Settings {
  const kept = readStored(stored);
  return withValues(
    configured,
    paths
      .filter((path) => !OPTIONS[path].secret)
      .map((path) => [path, valueAt(kept, path) ?? OPTIONS[path].fallback] as const),
  );
}

/** The key of a server is told to no other server. */
function withKey(configured: Settings, settings: Settings): Settings {
  const { endpoint } = settings.model;
  if (endpoint === configured.model.endpoint) return settings;
  const apiKey = endpoint === undefined ? undefined : configured.model.earlierApiKey;
  return withValues(settings, [['model.apiKey', apiKey]]);
}
