/**
 * The precompiled map of SentencePiece: a double-array trie of byte strings, and what each is replaced by. Newer
 * multilingual models have one, mostly NFKC with exceptions of their own.
 */

import type { Normalize } from '../pieces.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Bytes; longer graphemes are looked up character by character. */
const LONGEST_GRAPHEME = 5;

/** Characters that can be in one grapheme with another; all others are graphemes of their own. */
const JOINING = String.raw`[\p{M}\p{Cf}\p{Emoji_Modifier}\p{Regional_Indicator}\u0d4e\u0e33\u0eb3\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uff9e\uff9f\u{111c2}\u{111c3}\u{113d1}\u{1193f}\u{11941}\u{11a84}-\u{11a89}\u{11d46}\u{11f02}]`;
const CLUSTER = new RegExp(`\\r\\n|[^${JOINING}]?(?:${JOINING}+[^${JOINING}]?)+`, 'gv');
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** @throws Error where the map is none */
export function precompiled(base64: string): Normalize {
  const bytes = Buffer.from(base64, 'base64');
  const size = bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length)
    throw new Error('precompiled_charsmap is no map of characters');
  const trie = Uint32Array.from({ length: size / 4 }, (_, at) => bytes.readUInt32LE(4 + at * 4));
  const replacements = bytes.subarray(4 + size);
  const known = new Map<string, string | null>();

  const lookUp = (chunk: string): string | null => {
    let found = known.get(chunk);
    if (found === undefined) known.set(chunk, (found = shortestMatch(trie, replacements, chunk)));
    return found;
  };
  const characters = (text: string): string => {
    let result = '';
    for (const character of text) result += lookUp(character) ?? character;
    return result;
  };
  const cluster = (text: string): string => {
    let result = '';
    for (const { segment } of graphemes.segment(text)) {
      const whole = encoder.encode(segment).length <= LONGEST_GRAPHEME ? lookUp(segment) : null;
      result += whole ?? characters(segment);
    }
    return result;
  };
  return (text) => {
    let result = '';
    let last = 0;
    for (const { 0: found, index } of text.matchAll(CLUSTER)) {
      result += characters(text.slice(last, index)) + cluster(found);
      last = index + found.length;
    }
    return result + characters(text.slice(last));
  };
}

/** What the shortest beginning of `chunk` that the map holds is replaced by: the reference replaces all of it with that. */
function shortestMatch(trie: Uint32Array, replacements: Uint8Array, chunk: string): string | null {
  const unitAt = (position: number): number => trie[position] ?? 0;
  let position = offsetOf(unitAt(0));
  for (const byte of encoder.encode(chunk)) {
    if (byte === 0) return null;
    position ^= byte;
    const unit = unitAt(position);
    if ((unit & 0x800000ff) >>> 0 !== byte) return null;
    position ^= offsetOf(unit);
    if (((unit >>> 8) & 1) === 1) {
      const start = unitAt(position) & 0x7fffffff;
      const end = replacements.indexOf(0, start);
      return decoder.decode(replacements.subarray(start, end < 0 ? undefined : end));
    }
  }
  return null;
}

const offsetOf = (unit: number): number => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
