/** Options of one backfill from places other than flags and env: a ledger, or an application's own object. */

import { optionName } from './option-name.ts';
import { ConfigError } from '../errors.ts';
import { settleQuantized } from './quantized.ts';
import { OPTION_PATHS, optionsOf, type OptionPath } from './options.ts';
import type { SomeSettings } from './settings.ts';
import { valueAt, withValues } from './shape.ts';
import { unknownKeys } from './unknown-keys.ts';
import { updatedAtColumnOf } from './updated-at-column.ts';

const DECLARED = optionsOf('backfill');

/**
 * What is given of a backfill's section of the configuration file, checked; nothing for what is not.
 * @throws ConfigError naming every key that is wrong
 */
export function readSection(section: Record<string, unknown>, backfill: string): SomeSettings {
  const problems = unknownKeys(section, 'backfill', '');
  const values = new Map<string, unknown>();
  for (const declared of DECLARED) {
    const value = valueAt(section, declared.path);
    if (value === undefined || value === null) continue;
    const checked = declared.schema.safeParse(value);
    if (checked.success) values.set(declared.path, checked.data);
    else
      problems.push(
        `Option ${optionName(declared.path, backfill)}: ${checked.error.issues.map((issue) => issue.message).join('; ')}.`,
      );
  }
  const contradiction = settleQuantized(values, values.has('model.dtype'), backfill);
  if (contradiction !== null) problems.push(contradiction);
  if (problems.length > 0)
    throw new ConfigError(problems.join('\n'), {
      code: 'CONFIG_INVALID',
      remedy: 'Correct the options that were handed over; their names are those of the configuration file.',
    });
  return withValues({}, values);
}

/** As a ledger keeps them; what this release does not know, or not so, is left out. */
export function readStored(stored: Record<string, unknown>): SomeSettings {
  const values = new Map<string, unknown>();
  for (const { path, schema } of DECLARED) {
    const value = valueAt(stored, path);
    const checked = value === undefined ? null : schema.safeParse(value);
    if (checked?.success === true) values.set(path, checked.data);
  }
  settleQuantized(values, values.has('model.dtype'), null);
  return withValues({}, values);
}

/** Later ones win; defaults of a backfill where none says anything. */
export function mergeSettings(...layers: SomeSettings[]): SomeSettings {
  const defaults = withValues(
    {},
    DECLARED.map(({ path, fallback }) => [path, fallback] as const),
  );
  const valueOf = (path: OptionPath): unknown =>
    valueAt(layers.toReversed().find((layer) => valueAt(layer, path) !== undefined) ?? defaults, path);
  const merged = OPTION_PATHS.map((path) => [path, valueOf(path)] as const);
  const updatedAt = valueOf('updatedAtColumn') ?? updatedAtColumnOf(String(valueOf('column')));
  return withValues({}, [...merged, ['updatedAtColumn', updatedAt] as const]);
}
