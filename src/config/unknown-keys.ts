/** Keys of a file that are no option, or none of that place. */

import { isRecord } from './file.ts';
import type { OptionScope } from './option.ts';
import { optionsOf } from './options.ts';

/** Where an option of the other scope stands. */
const PLACES: Record<OptionScope, string> = {
  global: 'it is an option of one backfill, and stands below backfills.<name>',
  backfill: 'it is an option of all backfills, and stands at the top of the file',
};

/** A misspelt key would otherwise be ignored in silence and a default used. */
export function unknownKeys(section: Record<string, unknown>, scope: OptionScope, prefix: string): string[] {
  const options = optionsOf(scope);
  const paths = options.map(({ path }) => path);
  const others = optionsOf(scope === 'global' ? 'backfill' : 'global').map(({ path }) => path);
  const known = new Set<string>([...paths, ...(scope === 'global' ? ['backfills', '$schema'] : [])]);
  for (const { formerly } of options) if (formerly !== null) known.add(formerly);
  const problems: string[] = [];
  const walk = (value: Record<string, unknown>, at: string): void => {
    for (const [key, inner] of Object.entries(value)) {
      const path = at + key;
      if (known.has(path)) continue;
      // The value of the option that its group goes by, which is looked at there.
      if (!isRecord(inner) && options.some(({ isGroup, name }) => isGroup && name === path)) continue;
      if (isRecord(inner) && paths.some((each) => each.startsWith(`${path}.`))) walk(inner, `${path}.`);
      else if (others.some((each) => each === path || each.startsWith(`${path}.`)))
        problems.push(`File key ${prefix}${path} is in the wrong place: ${PLACES[scope]}.`);
      else
        problems.push(
          `File key ${prefix}${path} is not an option; known: ${options.map(({ name }) => name).join(', ')}.`,
        );
    }
  };
  walk(section, '');
  return problems;
}
