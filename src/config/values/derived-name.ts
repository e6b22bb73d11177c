/** Names made of another one, within the length that PostgreSQL keeps. */

import { createHash } from 'node:crypto';
import { MAX_NAME_BYTES } from './name.ts';

/** Hexadecimal digits that tell shortened names apart. */
const HASH_DIGITS = 8;

/**
 * `<table>_<column>_stage` and the like. Where that is too long, the front part is cut, by whole characters, and a hash of
 * all of it put in: two long names that begin alike would have the same staging table otherwise, and a name that has the
 * ending already would be its own.
 */
export const derivedName = (base: string, ending: string): string => boundedName('', base, ending);

/** `search_<table>` and the like, shortened in the same way. */
export const prefixedName = (beginning: string, base: string): string => boundedName(beginning, base, '');

function boundedName(beginning: string, base: string, ending: string): string {
  if (Buffer.byteLength(beginning + base + ending) <= MAX_NAME_BYTES) return beginning + base + ending;
  const hash = createHash('sha256').update(base).digest('hex').slice(0, HASH_DIGITS);
  const front = cutTo(base, MAX_NAME_BYTES - Buffer.byteLength(`${beginning}_${hash}${ending}`));
  return `${beginning}${front}_${hash}${ending}`;
}

/** The first whole characters that are at most so many bytes. */
export function cutTo(text: string, bytes: number): string {
  let front = '';
  for (const character of text) {
    if (Buffer.byteLength(front + character) > bytes) break;
    front += character;
  }
  return front;
}
