import type { KeyRange } from '../../table/key-range.ts';

/** These keys, and the bounds around them. @param keys in order */
export const rangeOf = (keys: readonly string[]): KeyRange => ({
  lower: keys[0] ?? null,
  upper: keys.at(-1) ?? null,
  isThrough: true,
  keys,
});
