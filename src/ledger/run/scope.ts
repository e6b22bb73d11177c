/** What a run was planned for besides its model: options that decide which rows take part, their text, and where vectors go. */

import { EARLIER_UPDATED_AT_COLUMN, updatedAtColumnOf } from '../../config/updated-at-column.ts';
import { OPTIONS, type OptionPath } from '../../config/options.ts';
import type { SomeSettings } from '../../config/settings.ts';
import { valueAt, withValues } from '../../config/shape.ts';
import { ConfigError } from '../../errors.ts';

/** By the paths of the options; null for what is not set. Empty in runs of an older release: nothing is known of them. */
export type Scope = Record<string, unknown>;

/** Another value of one of these makes other rows, other texts or another place of the vectors. */
const OF_ROWS = ['key', 'text', 'where', 'store', 'column', 'columnType', 'updatedAtColumn'] as const;
/** Vectors of rows stay as they are, but searches ask otherwise, or by another index. */
const OF_SEARCHES = ['model.queryPrefix', 'metric', 'index.candidates'] as const;
const PATHS: readonly OptionPath[] = [...OF_ROWS, ...OF_SEARCHES];

const valuesOf = (settings: SomeSettings, paths: readonly OptionPath[]): Scope =>
  Object.fromEntries(paths.map((path) => [path, valueAt(settings, path) ?? null]));

export const scopeOf = (settings: SomeSettings): Scope => valuesOf(settings, PATHS);

/** What a verification is of besides the rows and the index: kept with its verdict. */
export const searchScopeOf = (settings: SomeSettings): Scope => valuesOf(settings, OF_SEARCHES);

/** In words, what is set otherwise than the run was planned for; null where nothing is. */
export function scopeDifference(
  scope: Scope,
  settings: SomeSettings,
  paths: readonly OptionPath[] = PATHS,
): string | null {
  const differences = changed(scope, scopeOf(settings), paths);
  return inWords(differences.filter((each) => !isEarlierDefault(each, scope, settings)));
}

/** Nothing was ever said about it: the column that an earlier release has made is the backfill's. */
const isEarlierDefault = (
  { path, planned, present }: Changed,
  scope: Scope,
  settings: SomeSettings,
): boolean =>
  path === 'updatedAtColumn' &&
  planned === EARLIER_UPDATED_AT_COLUMN &&
  scope['column'] === settings.column &&
  present === updatedAtColumnOf(String(settings.column));

/** The settings with the column that an earlier release has made, where they do not name another one. */
export function keepEarlierColumn<T extends SomeSettings>(scope: Scope, settings: T): T {
  const kept = changed(scope, scopeOf(settings), ['updatedAtColumn']).filter((each) =>
    isEarlierDefault(each, scope, settings),
  );
  return withValues(
    settings,
    kept.map(({ path, planned }) => [path, planned] as const),
  );
}

/** The same of how searches ask now, held against how a verification has asked; null also where that is not known. */
export const askedDifference = (asked: Scope, now: Scope): string | null =>
  inWords(changed(asked, now, OF_SEARCHES));

/** The same of those alone that decide about rows: with another one of them another run is due. */
export const rowsDifference = (scope: Scope, settings: SomeSettings): string | null =>
  scopeDifference(scope, settings, OF_ROWS);

/**
 * The settings as the run was planned for: they take effect by `enqueue`, not by a worker that was started before it or
 * ahead of it. @throws ConfigError where the ledger holds what this release does not understand
 */
export function followScope<T extends SomeSettings>(run: { id: string; scope: Scope }, settings: T): T {
  const planned = changed(run.scope, scopeOf(settings), PATHS).map(({ path, planned: value }) => {
    const parsed = OPTIONS[path].schema.safeParse(value ?? undefined);
    if (!parsed.success)
      throw new ConfigError(`Run ${run.id} was planned with ${path} as this release does not know it.`, {
        code: 'RUN_OPTIONS',
        remedy: 'Use the release that planned it, or run `pgvector-backfill enqueue` with this one.',
      });
    return [path, parsed.data] as const;
  });
  return withValues(settings, planned);
}

interface Changed {
  path: OptionPath;
  planned: unknown;
  present: unknown;
}

/** What an older release had no option for. */
const EARLIER: Scope = { store: 'column' };

/** What neither side knows of is no difference. */
function changed(scope: Scope, now: Scope, paths: readonly OptionPath[]): Changed[] {
  return paths.flatMap((path) => {
    const [planned, present] = [Object.hasOwn(scope, path) ? scope[path] : EARLIER[path], now[path]];
    // Not set: whatever the table's key was when the run was planned.
    if (path === 'key' && (present === null || planned === null)) return [];
    return planned === undefined ||
      present === undefined ||
      JSON.stringify(planned) === JSON.stringify(present)
      ? []
      : [{ path, planned, present }];
  });
}

function inWords(differences: readonly Changed[]): string | null {
  const shown = (value: unknown): string => (value === null ? 'nothing' : JSON.stringify(value));
  const parts = differences.map(
    ({ path, planned, present }) => `${path} was ${shown(planned)}, is ${shown(present)}`,
  );
  return parts.length === 0 ? null : parts.join('; ');
}
