/** Key types of legacy tables. A key is text wherever it is kept or sent; as a number it lives only between two steps. */

import type { KeyWidth } from '../db/copy-binary.ts';

interface KeyShape {
  /** As SQL names it. */
  name: string;
  /** Bytes of its binary form. */
  width: KeyWidth;
  largest: bigint;
}

/** By the name in pg_type. */
export const KEY_TYPES = {
  int8: { name: 'bigint', width: 8, largest: 2n ** 63n - 1n },
  int4: { name: 'integer', width: 4, largest: 2n ** 31n - 1n },
  int2: { name: 'smallint', width: 2, largest: 2n ** 15n - 1n },
  // Sixteen bytes that compare as an unsigned number does.
  uuid: { name: 'uuid', width: 16, largest: 2n ** 128n - 1n },
} as const satisfies Record<string, KeyShape>;

export type KeyType = (typeof KEY_TYPES)[keyof typeof KEY_TYPES]['name'];

/** For messages: what `key` may be. */
export const KEY_TYPE_NAMES = 'bigint, integer, smallint or uuid';

const shapeOf = (type: KeyType): KeyShape =>
  Object.values(KEY_TYPES).find(({ name }) => name === type) as KeyShape;

export const keyNumber = (type: KeyType, key: string): bigint =>
  type === 'uuid' ? BigInt(`0x${key.replaceAll('-', '')}`) : BigInt(key);

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether the server would take the text for such a key: a search in use today may give anything in its first column. */
export function isKeyText(type: KeyType, text: string): boolean {
  if (type === 'uuid') return UUID.test(text);
  if (!/^-?\d{1,19}$/.test(text)) return false;
  const number = BigInt(text);
  return number <= shapeOf(type).largest && number >= -shapeOf(type).largest - 1n;
}

/** As PostgreSQL writes it. */
export function keyText(type: KeyType, key: bigint): string {
  if (type !== 'uuid') return String(key);
  const digits = key.toString(16).padStart(32, '0');
  return [0, 8, 12, 16, 20].map((from, at, all) => digits.slice(from, all[at + 1])).join('-');
}

/** The smallest key behind `key`; null where the type has none. */
export function keyBehind(type: KeyType, key: string): string | null {
  const number = keyNumber(type, key);
  return number >= shapeOf(type).largest ? null : keyText(type, number + 1n);
}

/**
 * The first or last of the keys of a group, as text. min(uuid) and max(uuid) exist since PostgreSQL 18; the written form has
 * the same order, as long as it is compared by bytes.
 */
export const edgeKeySql = (type: KeyType, edge: 'min' | 'max', key: string): string =>
  type === 'uuid' ? `${edge}(${key}::text COLLATE "C")` : `${edge}(${key})::text`;
