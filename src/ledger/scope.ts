/** What a run was planned for besides its model: options that decide which rows take part, their text, and where vectors go. */

import { OPTIONS } from '../config/options.ts';
import type { OptionName, Settings } from '../config/settings.ts';
import { ConfigError } from '../errors.ts';
import type { Run } from './run.ts';

/** By the paths of the options; null for what is not set. Empty in runs of an older release: nothing is known of them. */
export type Scope = Record<string, unknown>;

/** Another value of one of these makes other rows, other texts or another place of the vectors. */
const OF_ROWS = ['key', 'text', 'where', 'column', 'columnType', 'updatedAtColumn'] as const;
/** Vectors of rows stay as they are, but searches ask otherwise, or by another index. */
const OF_SEARCHES = ['modelQueryPrefix', 'metric'] as const;
const NAMES: readonly OptionName[] = [...OF_ROWS, ...OF_SEARCHES];

const valuesOf = (settings: Partial<Settings>, names: readonly OptionName[]): Scope =>
  Object.fromEntries(names.map((name) => [OPTIONS[name].path, settings[name] ?? null]));

export const scopeOf = (settings: Partial<Settings>): Scope => valuesOf(settings, NAMES);

/** What a verification is of besides the rows and the index: kept with its verdict. */
export const searchScopeOf = (settings: Partial<Settings>): Scope => valuesOf(settings, OF_SEARCHES);

/** In words, what is set otherwise than the run was planned for; null where nothing is. */
export function scopeDifference(
  scope: Scope,
  settings: Partial<Settings>,
  names: readonly OptionName[] = NAMES,
): string | null {
  return inWords(changed(scope, scopeOf(settings), names));
}

/** The same of how searches ask now, held against how a verification has asked; null also where that is not known. */
export const askedDifference = (asked: Scope, now: Scope): string | null =>
  inWords(changed(asked, now, OF_SEARCHES));

/** The same of those alone that decide about rows: with another one of them another run is due. */
export const rowsDifference = (scope: Scope, settings: Partial<Settings>): string | null =>
  scopeDifference(scope, settings, OF_ROWS);

/**
 * The settings as the run was planned for: they take effect by `enqueue`, not by a worker that was started before it or
 * ahead of it. @throws ConfigError where the ledger holds what this release does not understand
 */
export function followScope<T extends Partial<Settings>>(run: Pick<Run, 'id' | 'scope'>, settings: T): T {
  const followed: Partial<Record<OptionName, unknown>> = { ...settings };
  for (const { name, planned } of changed(run.scope, scopeOf(settings), NAMES)) {
    const parsed = OPTIONS[name].schema.safeParse(planned ?? undefined);
    if (!parsed.success)
      throw new ConfigError(
        `Run ${run.id} was planned with ${OPTIONS[name].path} as this release does not know it.`,
        {
          code: 'RUN_OPTIONS',
          remedy: 'Use the release that planned it, or run `pgvector-backfill enqueue` with this one.',
        },
      );
    followed[name] = parsed.data;
  }
  return Object.freeze(followed) as T;
}

interface Changed {
  name: OptionName;
  path: string;
  planned: unknown;
  present: unknown;
}

/** What neither side knows of is no difference. */
function changed(scope: Scope, now: Scope, names: readonly OptionName[]): Changed[] {
  return names.flatMap((name) => {
    const { path } = OPTIONS[name];
    const [planned, present] = [scope[path], now[path]];
    return planned === undefined ||
      present === undefined ||
      JSON.stringify(planned) === JSON.stringify(present)
      ? []
      : [{ name, path, planned, present }];
  });
}

function inWords(differences: readonly Changed[]): string | null {
  const shown = (value: unknown): string => (value === null ? 'nothing' : JSON.stringify(value));
  const parts = differences.map(
    ({ path, planned, present }) => `${path} was ${shown(planned)}, is ${shown(present)}`,
  );
  return parts.length === 0 ? null : parts.join('; ');
}
