/** Columns of a generation that is yet to be planned. */

import type { Settings } from '../../config/settings.ts';
import { updatedAtColumnOf } from '../../config/updated-at-column.ts';
import { derivedName } from '../../config/values/derived-name.ts';
import type { Generation } from '../../ledger/generation/generation.ts';

/** `embedding_2`; or the configured column, where no generation has it yet. */
export function columnsOfGeneration(
  all: readonly Generation[],
  settings: Settings,
  generation: number,
): [path: 'column' | 'updatedAtColumn', name: string][] {
  const taken = (name: string): boolean =>
    all.some(({ stored }) => stored['column'] === name || stored['updatedAtColumn'] === name);
  const [first] = all;
  const named = typeof first?.stored['column'] === 'string' ? first.stored['column'] : settings.column;
  const column = taken(settings.column) ? derivedName(named, `_${generation}`) : settings.column;
  const isOwn =
    settings.updatedAtColumn !== updatedAtColumnOf(settings.column) && !taken(settings.updatedAtColumn);
  return [
    ['column', column],
    ['updatedAtColumn', isOwn ? settings.updatedAtColumn : updatedAtColumnOf(column)],
  ];
}
