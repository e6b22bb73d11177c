/** A range of keys, or some keys of it, as a condition. */

import type { Target } from './backfill-target.ts';

export interface KeyRange {
  /** Inclusive; null = open. */
  lower: string | null;
  /** Exclusive; null = open. */
  upper: string | null;
  /** Of the range only these; all where absent. */
  keys?: readonly string[];
}

/** Condition on `column`; bounds and keys go to `values`, open ends are left out so that the index range is exact. */
export function rangeSql(target: Target, column: string, range: KeyRange, values: unknown[]): string {
  const parts: string[] = [];
  if (range.lower !== null) parts.push(`${column} >= $${values.push(range.lower)}::${target.keyType}`);
  if (range.upper !== null) parts.push(`${column} < $${values.push(range.upper)}::${target.keyType}`);
  if (range.keys !== undefined)
    parts.push(`${column} = ANY ($${values.push(range.keys)}::${target.keyType}[])`);
  return parts.length === 0 ? 'true' : parts.join(' AND ');
}
