/** One text → the lists of tokens that go through the model for it, whatever its length. */

import type { TextKind } from '../embedder.ts';
import type { EmbeddingOptions } from '../embedding-options.ts';
import type { PassageTokens } from '../passages/cut-passages.ts';
import { assertRoom } from '../passages/passage-room.ts';
import type { Tokenizer } from './tokenizer.ts';

/** What a model's files say of its tokens besides tokenizer.json. */
export interface TokenSettings {
  /** Of one inference; undefined where the files do not say. */
  maxTokens: number | undefined;
  padding: number;
  paddingSide: 'left' | 'right';
  /** Put behind every text, where the tokenizer itself has none there. */
  end: number | undefined;
  /** The tokenizer's own frame is left away. */
  isBare?: boolean;
  /** A token that does not count: it is left out before the others are counted. */
  leftOut?: number | undefined;
  /** So many characters are read for each token that may be read, and no more; a passage is read whole. */
  charactersPerToken?: number | undefined;
  /** Which end of a long text is left out. */
  truncation: 'left' | 'right';
}

export interface TextTokens {
  /** One list of a text that fits or is cut; several of one that is read in chunks; none of one that is not read. */
  units: number[][];
  /** Tokens of the text itself in each unit: what its vector weighs. */
  weights: number[];
  /** There was more text than was read. */
  truncated: boolean;
  /** The text is longer than one inference reads. */
  long: boolean;
  /** No token of the text is one that the model knows. */
  unknown: boolean;
}

/**
 * Characters that are tokenised at first for each token wanted: ordinary text has 3 to 6. To tokenise all of a long
 * document before it is cut was most of its time.
 */
const CHARACTERS_PER_TOKEN = 8;
/** Where that was too little. */
const GROWTH = 4;
/** How far back a cut goes to fall between two words. */
const LONGEST_WORD = 200;
/** `countTokens` stops counting here. */
const MAX_COUNTED = 1_000_000;

export class TextTokenizer {
  /** Of one inference. */
  readonly maxTokens: number;
  readonly padding: number;
  readonly paddingSide: 'left' | 'right';
  readonly #tokenizer: Tokenizer;
  readonly #shaping: EmbeddingOptions;
  /** What the tokenizer puts before and behind every text, such as [CLS] and [SEP]. */
  readonly #before: readonly number[];
  readonly #behind: readonly number[];
  readonly #fromLeft: boolean;
  readonly #leftOut: number | undefined;
  readonly #maxCharacters: number;

  /** @throws Error where the options do not fit the model */
  constructor(tokenizer: Tokenizer, settings: TokenSettings, shaping: EmbeddingOptions) {
    this.#tokenizer = tokenizer;
    this.#shaping = shaping;
    this.maxTokens = Math.min(shaping.maxTokens, settings.maxTokens ?? shaping.maxTokens);
    this.padding = settings.padding;
    this.paddingSide = settings.paddingSide;
    const { before, behind } = settings.isBare === true ? { before: [], behind: [] } : tokenizer.frame;
    const { end } = settings;
    this.#before = before;
    this.#behind = end === undefined || behind.includes(end) ? behind : [...behind, end];
    this.#fromLeft = settings.truncation === 'left';
    this.#leftOut = settings.leftOut;
    this.#maxCharacters = shaping.maxTokens * (settings.charactersPerToken ?? Infinity);
    if (shaping.longText === 'chunks') assertRoom(this.passages);
  }

  tokens(text: string, as: TextKind): TextTokens {
    const { documentPrefix, queryPrefix } = this.#shaping;
    const prefix = as === 'query' ? queryPrefix : documentPrefix;
    // The frame stays whole around a text that is cut.
    const frame = this.#before.length + this.#behind.length;
    const limit = Math.max(this.maxTokens - frame, 0);
    const whole = `${prefix}${text}`;
    const read = as === 'passage' ? whole : firstCharacters(whole, this.#maxCharacters);
    const { ids, cut } = this.#fromLeft ? { ids: this.#ids(read), cut: false } : this.#encode(read, limit);
    const long = cut || ids.length > limit || read.length < whole.length;
    // A query is not a document that could be left out: it is cut. A passage fits.
    const mode = as === 'document' ? this.#shaping.longText : 'truncate';
    if (long && mode === 'mean-of-chunks') return this.#chunks(text, this.#ids(prefix));
    if (long && mode !== 'truncate' && mode !== 'chunks')
      return { units: [], weights: [], truncated: false, long, unknown: false };
    const kept = this.#fromLeft ? ids.slice(Math.max(ids.length - limit, 0)) : ids.slice(0, limit);
    const framed = [...this.#before, ...kept, ...this.#behind];
    // A model without special tokens gives an empty text no token at all, and an empty tensor cannot be pooled.
    const unit = framed.length === 0 ? [this.#tokenizer.unknownId ?? 0] : framed;
    return {
      units: [unit],
      weights: [Math.max(kept.length, 1)],
      truncated: long,
      long,
      unknown: this.#unknown(kept),
    };
  }

  /** Tokens of the text as a document, whatever is read of them; at most a million are counted. */
  count(text: string): number {
    const { ids } = this.#encode(`${this.#shaping.documentPrefix}${text}`, MAX_COUNTED);
    return Math.min(ids.length, MAX_COUNTED) + this.#before.length + this.#behind.length;
  }

  /** How the tokens of passages are counted. */
  get passages(): PassageTokens {
    const { documentPrefix, chunkTokens = this.maxTokens, chunkOverlap } = this.#shaping;
    const frame = this.#before.length + this.#behind.length;
    return {
      max: Math.min(chunkTokens, this.maxTokens),
      overlap: chunkOverlap,
      ofPart: (text) => this.#ids(text).length,
      ofPassage: (text) => this.#ids(`${documentPrefix}${text}`).length + frame,
    };
  }

  /** No token is one that the model knows. */
  #unknown(ids: readonly number[]): boolean {
    return ids.every((id) => this.#tokenizer.specialIds.has(id));
  }

  /** Overlapping pieces, each with frame and prefix of its own. */
  #chunks(text: string, prefix: number[]): TextTokens {
    const { chunkOverlap, maxChunks } = this.#shaping;
    const head = [...this.#before, ...prefix];
    const size = Math.max(this.maxTokens - head.length - this.#behind.length, 1);
    const step = Math.max(size - chunkOverlap, 1);
    const max = size + (maxChunks - 1) * step;
    const { ids, cut } = this.#encode(text, max);
    const content = ids.slice(0, max);
    const result: TextTokens = {
      units: [],
      weights: [],
      truncated: cut || ids.length > max,
      long: true,
      unknown: this.#unknown(content),
    };
    for (let start = 0; ; start += step) {
      const piece = content.slice(start, start + size);
      result.units.push([...head, ...piece, ...this.#behind]);
      result.weights.push(piece.length);
      if (start + size >= content.length) return result;
    }
  }

  /**
   * The text's tokens; where there are more than `limit`, the first of them are right, and `cut` says that the text was
   * not read to its end.
   */
  #encode(text: string, limit: number): { ids: number[]; cut: boolean } {
    for (let characters = limit * CHARACTERS_PER_TOKEN; characters < text.length; characters *= GROWTH) {
      const beginning = text.slice(0, cutPosition(text, characters));
      const ids = this.#counted(this.#tokenizer.encodeBeginning(beginning));
      if (ids.length > limit) return { ids, cut: true };
      if (characters === 0) break;
    }
    return { ids: this.#ids(text), cut: false };
  }

  #ids(text: string): number[] {
    return this.#counted(this.#tokenizer.encode(text));
  }

  #counted(ids: number[]): number[] {
    const leftOut = this.#leftOut;
    // Most texts have none: to look costs less than to copy.
    return leftOut === undefined || !ids.includes(leftOut) ? ids : ids.filter((id) => id !== leftOut);
  }
}

/** Counted as Python does; what is shorter in UTF-16 units already is not looked at. */
function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  let at = 0;
  for (let seen = 0; seen < count && at < text.length; seen++)
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, at);
}

/** The last space not far before `characters`; without one, there, but not in the middle of a character. */
function cutPosition(text: string, characters: number): number {
  for (let at = characters; at > characters - LONGEST_WORD; at--) {
    const unit = text.charCodeAt(at);
    if (unit === 32 || unit === 10) return at;
  }
  const high = text.charCodeAt(characters - 1);
  return high >= 0xd800 && high < 0xdc00 ? characters - 1 : characters;
}
