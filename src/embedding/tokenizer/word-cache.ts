/**
 * Tokens of a text by its words, each tokenised once. A tokenizer goes over every character of every text several times,
 * which costs more than the inference of a small model; yet what stands between two blanks gives the same tokens wherever
 * it stands, and most of a table's words are ones that came before.
 * Words are found where they stand in the text, without making a string of each: that, and looking strings up in a Map, was most
 * of what was left.
 */

import { randomInt } from 'node:crypto';
import type { TokenizerFile } from './file.ts';

/** BERT's own normalizer and pre-tokenizer never look across a blank, and no token of the vocabulary holds one. */
export const isWordwise = (file: TokenizerFile): boolean =>
  file.normalizer?.type === 'BertNormalizer' &&
  file.pre_tokenizer?.type === 'BertPreTokenizer' &&
  file.model.type === 'WordPiece' &&
  (file.added_tokens ?? []).every(({ content }) => !/\s/.test(content));

/** Longer ones are rare, and not worth their memory. */
const LONGEST_KEPT = 40;
/** Bound the memory: at most some 20 MB. */
const MAX_WORDS = 2 ** 18;
const MAX_CHARACTERS = 2 ** 22;
const MAX_TOKENS = 2 ** 21;
/** Room at first. */
const FIRST_WORDS = 2 ** 12;
/** A quarter of them is taken at most: nearly every word is found at the first look. */
const SLOTS_PER_WORD = 4;
/** Of a word in `#words`: hash, where its characters and its tokens begin, how many of each. */
const FIELDS = 5;

const isBlank = (unit: number): boolean => unit === 32 || unit === 10 || unit === 13 || unit === 9;

export class WordCache {
  readonly #encode: (word: string) => number[];
  /** Nobody can write words that all have one hash. */
  readonly #seed = randomInt(2 ** 31);
  /** By hash: number of the word, from 1; 0 where there is none. */
  #slots = new Int32Array(FIRST_WORDS * SLOTS_PER_WORD);
  #words = new Int32Array(FIRST_WORDS * FIELDS);
  #units = new Uint16Array(FIRST_WORDS * 8);
  #tokens = new Int32Array(FIRST_WORDS * 2);
  #wordCount = 0;
  #unitCount = 0;
  #tokenCount = 0;

  /** `encode`: tokens of a word, which are the same each time. */
  constructor(encode: (word: string) => number[]) {
    this.#encode = encode;
  }

  /** Tokens of the whole text, in its order. */
  encode(text: string): number[] {
    const result: number[] = [];
    const end = text.length;
    for (let at = 0; at < end;) {
      let unit = text.charCodeAt(at);
      if (isBlank(unit)) {
        at++;
        continue;
      }
      const start = at;
      let hash = this.#seed;
      do {
        hash = Math.imul(hash ^ unit, 0x01000193);
        at++;
        unit = at < end ? text.charCodeAt(at) : 32;
      } while (!isBlank(unit));
      hash ^= hash >>> 15;
      this.#append(text, start, at - start, hash, result);
    }
    return result;
  }

  #append(text: string, start: number, length: number, hash: number, result: number[]): void {
    const word = length > LONGEST_KEPT ? 0 : this.#find(text, start, length, hash);
    if (word === 0) {
      const own = this.#encode(text.slice(start, start + length));
      for (const token of own) result.push(token);
      if (length <= LONGEST_KEPT) this.#keep(text, start, length, hash, own);
      return;
    }
    const entry = (word - 1) * FIELDS;
    const from = this.#words[entry + 3]!;
    const to = from + this.#words[entry + 4]!;
    for (let at = from; at < to; at++) result.push(this.#tokens[at]!);
  }

  /** Number of the word that stands there; 0 where it is not kept. */
  #find(text: string, start: number, length: number, hash: number): number {
    const slots = this.#slots;
    const words = this.#words;
    const units = this.#units;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const word = slots[slot]!;
      if (word === 0) return 0;
      const entry = (word - 1) * FIELDS;
      if (words[entry] !== hash || words[entry + 2] !== length) continue;
      const from = words[entry + 1]!;
      let at = 0;
      while (at < length && units[from + at] === text.charCodeAt(start + at)) at++;
      if (at === length) return word;
    }
  }

  #keep(text: string, start: number, length: number, hash: number, tokens: readonly number[]): void {
    // Frequent words are back at once; to know which they are would cost more at every word.
    if (
      this.#wordCount === MAX_WORDS ||
      this.#unitCount + length > MAX_CHARACTERS ||
      this.#tokenCount + tokens.length > MAX_TOKENS
    )
      this.#forget();
    if ((this.#wordCount + 1) * FIELDS > this.#words.length) this.#growWords();
    if (this.#unitCount + length > this.#units.length)
      this.#units = grown(this.#units, new Uint16Array(this.#units.length * 2));
    while (this.#tokenCount + tokens.length > this.#tokens.length)
      this.#tokens = grown(this.#tokens, new Int32Array(this.#tokens.length * 2));
    const facts = [hash, this.#unitCount, length, this.#tokenCount, tokens.length];
    this.#words.set(facts, this.#wordCount++ * FIELDS);
    for (let at = 0; at < length; at++) this.#units[this.#unitCount++] = text.charCodeAt(start + at);
    this.#tokens.set(tokens, this.#tokenCount);
    this.#tokenCount += tokens.length;
    this.#enter(this.#wordCount);
  }

  #enter(word: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#words[(word - 1) * FIELDS]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = word;
  }

  #growWords(): void {
    this.#words = grown(this.#words, new Int32Array(this.#words.length * 2));
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let word = 1; word <= this.#wordCount; word++) this.#enter(word);
  }

  #forget(): void {
    this.#slots.fill(0);
    this.#wordCount = 0;
    this.#unitCount = 0;
    this.#tokenCount = 0;
  }
}

function grown<T extends Int32Array | Uint16Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
