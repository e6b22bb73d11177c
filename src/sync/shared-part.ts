/** Generations of a backfill that have the same key are one part of the triggers: a writer pays for one, however many they are. */

import { backfillOf } from '../config/values/generation-name.ts';
import type { CapturePart } from '../ledger/changes/capture-parts.ts';
import { sharedName } from '../ledger/changes/shared-changes.ts';

/** One order, whoever has told the columns: another one would be another function. */
export function keyFirst(key: CapturePart['key'], watched: readonly string[]): string[] {
  const names = key.map(({ name }) => name);
  return [...names, ...watched.filter((name) => !names.includes(name)).toSorted()];
}

/** Where the columns of their keys, or the texts of these, are others, each has a part of its own. */
export function sharedParts(parts: readonly CapturePart[]): CapturePart[] {
  const backfills = [...new Set(parts.map(({ backfill }) => backfillOf(backfill)))];
  return backfills.flatMap((name) => {
    const generations = parts.filter(({ backfill }) => backfillOf(backfill) === name);
    const [first] = generations;
    if (first === undefined || generations.length === 1) return generations;
    if (!generations.every((each) => hasSameKey(each, first))) return generations;
    const watched = [...new Set(generations.flatMap((each) => each.watched))];
    return [{ backfill: sharedName(first.backfill), key: first.key, watched: keyFirst(first.key, watched) }];
  });
}

/** What of a key makes the triggers, in one order, however the ledger gives it back. */
export const keyDefinition = (key: CapturePart['key']): unknown[] =>
  key.map(({ name, form = null, isCanonical, isStyled }) => [name, form, isCanonical, isStyled]);

const hasSameKey = (one: CapturePart, other: CapturePart): boolean =>
  JSON.stringify(keyDefinition(one.key)) === JSON.stringify(keyDefinition(other.key));
