/** Options of one backfill from places other than flags and env: a ledger, or an application's own object. */

import { ConfigError } from '../errors.ts';
import { isRecord } from './file.ts';
import { describe, unknownKeys } from './load.ts';
import type { Option } from './option.ts';
import { OPTIONS } from './options.ts';
import type { OptionName, Settings } from './settings.ts';

const DECLARED = Object.entries(OPTIONS as Record<string, Option>).filter(
  ([, { scope }]) => scope === 'backfill',
) as [OptionName, Option][];

/**
 * What is given of a backfill's section of the configuration file, checked; nothing for what is not.
 * @throws ConfigError naming every key that is wrong
 */
export function readSection(section: Record<string, unknown>, backfill: string): Partial<Settings> {
  const problems = unknownKeys(section, 'backfill', '');
  const values: Partial<Record<OptionName, unknown>> = {};
  for (const [name, declared] of DECLARED) {
    let value: unknown = section;
    for (const part of declared.path.split('.')) value = isRecord(value) ? value[part] : undefined;
    if (value === undefined || value === null) continue;
    const checked = declared.schema.safeParse(value);
    if (checked.success) values[name] = checked.data;
    else
      problems.push(
        `${describe(declared, backfill)}: ${checked.error.issues.map((issue) => issue.message).join('; ')}.`,
      );
  }
  if (problems.length > 0)
    throw new ConfigError(problems.join('\n'), {
      code: 'CONFIG_INVALID',
      remedy: 'Correct the options that were handed over; their names are those of the configuration file.',
    });
  return values as Partial<Settings>;
}

/** By the names of the settings, as a ledger keeps them; what this release does not know, or not so, is left out. */
export function readStored(stored: Record<string, unknown>): Partial<Settings> {
  return Object.fromEntries(
    DECLARED.flatMap(([name, { schema }]) => {
      const checked = stored[name] === undefined ? null : schema.safeParse(stored[name]);
      return checked?.success === true ? [[name, checked.data]] : [];
    }),
  ) as Partial<Settings>;
}

/** Later ones win; defaults where none says anything. */
export function mergeSettings(...layers: Partial<Settings>[]): Partial<Settings> {
  const defaults = DECLARED.flatMap(([name, { fallback }]) =>
    fallback === undefined ? [] : [[name, fallback]],
  );
  return Object.assign(Object.fromEntries(defaults), ...layers) as Partial<Settings>;
}
