/**
 * How a local model is used, and who says so: the operator, the model's files, a table of well-known names, or nobody, and
 * then the defaults of the options. An option that is given always wins.
 */

import type { Config, LoadedConfig } from '../../config/load.ts';
import { optionName } from '../../config/option-name.ts';
import { chunkChecks } from '../../config/cross-checks.ts';
import { OPTIONS, type OptionPath } from '../../config/options.ts';
import type { Settings } from '../../config/settings.ts';
import { USAGE_PATHS, type UsedValue } from '../../config/usage-paths.ts';
import { valueAt, withValues } from '../../config/shape.ts';
import { ConfigError } from '../../errors.ts';
import { graphFile } from '../model-files/dtype.ts';
import { hasWeights, isStatic, locateModel, modelDtype } from '../model-files/files.ts';
import { batchRowsOf } from './batch-rows.ts';
import { knownModel } from './known-models.ts';
import { readMakerFiles, type UsageKey } from './maker-files.ts';

type UsagePath = (typeof USAGE_PATHS)[number];
const keyOf = (path: UsagePath): UsageKey => path.slice('model.'.length) as UsageKey;
interface Stated {
  value: unknown;
  source: 'files' | 'table';
  /** The file, or the page that says so. */
  where: string;
}

function statedOf({ model }: Pick<Settings, 'model'>): Map<UsagePath, Stated> {
  const result = new Map<UsagePath, Stated>();
  if (model.endpoint !== undefined) return result;
  const { folder, id } = locateModel(model);
  const known = knownModel(id) ?? knownModel(model.name);
  const { usage, sources } = readMakerFiles(folder);
  for (const path of USAGE_PATHS) {
    const key = keyOf(path);
    const value = usage[key] ?? known?.usage[key];
    const file = sources[key];
    if (value === undefined) continue;
    if (file !== undefined) result.set(path, { value, source: 'files', where: file });
    else if (known !== undefined) result.set(path, { value, source: 'table', where: known.page });
  }
  return result;
}

/** More are never read, whoever asks for them. */
const positionsOf = ({ model }: Settings): number | null =>
  model.endpoint === undefined ? readMakerFiles(locateModel(model).folder).positions : null;

/** The settings with what the model's makers say of it, where the operator says nothing. @param given paths of options */
export function withUsage<T extends Settings>(settings: T, given: ReadonlySet<OptionPath>): T {
  const stated = statedOf(settings);
  const values = USAGE_PATHS.map((path): readonly [string, unknown] => {
    const value = given.has(path)
      ? valueAt(settings, path)
      : (stated.get(path)?.value ?? valueAt(settings, path));
    // No prefix has one form, whoever says it.
    return [path, value === '' ? undefined : value];
  });
  const isThere = settings.model.endpoint === undefined && hasWeights(settings.model);
  // Settled with the rest of it: what comes into the folder later is another model. Where nothing is yet, what is fetched says it.
  return withValues(settings, isThere ? [...values, ['model.dtype', modelDtype(settings.model)]] : values);
}

/** For another model: what the operator has said of the use of this one stays, and the rest is as that model's makers say. */
export function withUsageOf(settings: Settings, change: (settings: Settings) => Settings): Settings {
  const given = new Set(valuesOf(settings).flatMap(({ path, source }) => (source === 'given' ? [path] : [])));
  const unsaid = USAGE_PATHS.filter((path) => !given.has(path));
  const plain = withValues(
    settings,
    unsaid.map((path) => [path, OPTIONS[path].fallback] as const),
  );
  return withUsage(change(plain), given);
}

/** The same of a whole configuration. @throws ConfigError where the options of chunks do not fit the model's length */
export function usedConfig({ given, ...config }: LoadedConfig): Config {
  const used = withUsage(config.settings, given);
  const settings = withValues(used, [['batchRows', batchRowsOf(used, given.has('batchRows'))]]);
  const problems = chunkChecks(settings, config.backfill);
  if (problems.length > 0)
    throw new ConfigError(problems.join('\n'), {
      code: 'CONFIG_INVALID',
      remedy: `How much the model reads is what its files say (\`pgvector-backfill model check\`), or ${optionName('model.maxTokens', config.backfill)}.`,
    });
  return { ...config, settings };
}

/** How the model is used by these settings, which have been settled; of one on a server, what is asked of that. */
export function usageOf(settings: Settings): UsedValue[] {
  const { endpoint, dimensions } = settings.model;
  const used = valuesOf(settings).filter(({ path }) => endpoint === undefined || path !== 'model.pooling');
  if (dimensions !== undefined)
    used.push({ path: 'model.dimensions', value: dimensions, source: 'given', where: null, stated: null });
  // A table has no graphs to choose from.
  if (endpoint !== undefined || isStatic(settings.model)) return used;
  const dtype = modelDtype(settings.model);
  return [
    ...used,
    { path: 'model.dtype', value: dtype, source: 'files', where: graphFile(dtype), stated: null },
  ];
}

function valuesOf(settings: Settings): UsedValue[] {
  const stated = statedOf(settings);
  const positions = positionsOf(settings);
  return USAGE_PATHS.map((path) => {
    const value = shown(valueAt(settings, path));
    const found = stated.get(path);
    if (found === undefined) {
      const isDefault = value === shown(OPTIONS[path].fallback);
      if (isDefault) return { path, value, source: 'default', where: null, stated: null };
      const tooMany = path === 'model.maxTokens' && positions !== null && Number(value) > positions;
      const limit = tooMany ? { value: positions, where: 'config.json' } : null;
      return { path, value, source: 'given', where: null, stated: limit };
    }
    const said = { value: shown(found.value), where: found.where };
    return said.value === value
      ? { path, value, source: found.source, where: found.where, stated: null }
      : { path, value, source: 'given', where: null, stated: said };
  });
}

const shown = (value: unknown): string | number | boolean => (value ?? '') as string | number | boolean;
