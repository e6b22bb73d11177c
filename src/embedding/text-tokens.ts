/** One text → the lists of tokens that go through the model for it, whatever its length. */

import type { Shaping } from './shaping.ts';
import { WordMemo, isWordwise, type WordwiseParts } from './word-memo.ts';

/** The parts of the library's tokenizer that are used; its types do not show them all. */
export interface LoadedTokenizer extends WordwiseParts {
  encode(text: string, pair?: string | null, options?: { add_special_tokens?: boolean }): number[];
  all_special_ids: number[];
  model_max_length: number;
  pad_token_id?: number;
  model: WordwiseParts['model'] & { unk_token_id?: number };
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
 * Characters that are tokenised at first for each token wanted: ordinary text has 3 to 6. The library tokenises whole
 * texts at 0.4 ms a kB before it cuts them, which for a long document was most of its time.
 */
const CHARACTERS_PER_TOKEN = 8;
/** Where that was too little. */
const GROWTH = 4;
/** A cut can change the tokens just before it, in scripts that are written without spaces. */
const SLACK_TOKENS = 32;
/** How far back a cut goes to fall between two words. */
const LONGEST_WORD = 200;
/** `countTokens` stops counting here. */
const MOST_COUNTED = 1_000_000;

export class TextTokenizer {
  /** Of one inference. */
  readonly maxTokens: number;
  readonly #tokenizer: LoadedTokenizer;
  readonly #shaping: Shaping;
  readonly #special: Set<number>;
  /** What the tokenizer puts before and behind every text, such as [CLS] and [SEP]. */
  readonly #before: number[];
  readonly #behind: number[];
  /** Null where the tokenizer is not of a kind that takes words one by one. */
  readonly #memo: WordMemo | null;

  constructor(tokenizer: LoadedTokenizer, shaping: Shaping) {
    this.#tokenizer = tokenizer;
    this.#shaping = shaping;
    this.maxTokens = Math.min(shaping.maxTokens, tokenizer.model_max_length || shaping.maxTokens);
    const unknown = tokenizer.model.unk_token_id;
    this.#special = new Set([...tokenizer.all_special_ids, ...(unknown === undefined ? [] : [unknown])]);
    const framed = tokenizer.encode('a');
    const bare = this.#plain('a');
    this.#memo = isWordwise(tokenizer) ? new WordMemo((word) => this.#plain(word)) : null;
    const at = Math.max(
      framed.findIndex((_, start) => bare.every((token, offset) => framed[start + offset] === token)),
      0,
    );
    this.#before = framed.slice(0, at);
    this.#behind = framed.slice(at + bare.length);
  }

  get padding(): number {
    return this.#tokenizer.pad_token_id ?? 0;
  }

  tokens(text: string, as: 'document' | 'query'): TextTokens {
    const { documentPrefix, queryPrefix } = this.#shaping;
    const prefix = as === 'query' ? queryPrefix : documentPrefix;
    const limit = this.maxTokens;
    const { ids, cut } = this.#encode(`${prefix}${text}`, limit);
    const long = cut || ids.length > limit;
    // A query is not a document that could be left out: it is cut.
    const mode = as === 'query' ? 'truncate' : this.#shaping.longText;
    if (long && mode === 'mean-of-chunks') return this.#chunks(text, this.#content(prefix));
    if (long && mode !== 'truncate')
      return { units: [], weights: [], truncated: false, long, unknown: false };
    // Cut like the library cuts, so that vectors agree with its own pipeline.
    const kept = ids.slice(0, limit);
    const frame = kept.length < ids.length ? this.#before.length : this.#before.length + this.#behind.length;
    // A model without special tokens gives an empty text no token at all, and an empty tensor cannot be pooled.
    const unit = kept.length === 0 ? [this.#tokenizer.model.unk_token_id ?? 0] : kept;
    return {
      units: [unit],
      weights: [Math.max(unit.length - frame, 1)],
      truncated: long,
      long,
      unknown: kept.every((token) => this.#special.has(token)),
    };
  }

  /** Tokens of the text as a document, whatever is read of them; at most a million are counted. */
  count(text: string): number {
    return this.#encode(`${this.#shaping.documentPrefix}${text}`, MOST_COUNTED).ids.length;
  }

  /** Overlapping pieces, each with frame and prefix of its own. */
  #chunks(text: string, prefix: number[]): TextTokens {
    const { chunkOverlap, maxChunks } = this.#shaping;
    const head = [...this.#before, ...prefix];
    const size = Math.max(this.maxTokens - head.length - this.#behind.length, 1);
    const step = Math.max(size - chunkOverlap, 1);
    const most = size + (maxChunks - 1) * step;
    const { ids, cut } = this.#encode(text, most, false);
    const content = ids.slice(0, most);
    const result: TextTokens = {
      units: [],
      weights: [],
      truncated: cut || ids.length > most,
      long: true,
      unknown: content.every((token) => this.#special.has(token)),
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
  #encode(text: string, limit: number, framed = true): { ids: number[]; cut: boolean } {
    const behind = framed ? this.#behind.length : 0;
    for (let characters = limit * CHARACTERS_PER_TOKEN; characters < text.length; characters *= GROWTH) {
      const part = text.slice(0, cutPosition(text, characters));
      const ids = framed ? this.#framed(part) : this.#content(part);
      if (ids.length - behind > limit + SLACK_TOKENS)
        return { ids: ids.slice(0, ids.length - behind), cut: true };
    }
    return { ids: framed ? this.#framed(text) : this.#content(text), cut: false };
  }

  #framed(text: string): number[] {
    if (this.#memo === null) return this.#tokenizer.encode(text);
    return [...this.#before, ...this.#memo.encode(text), ...this.#behind];
  }

  #content(text: string): number[] {
    return this.#memo === null ? this.#plain(text) : this.#memo.encode(text);
  }

  #plain(text: string): number[] {
    return text === '' ? [] : this.#tokenizer.encode(text, null, { add_special_tokens: false });
  }
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
