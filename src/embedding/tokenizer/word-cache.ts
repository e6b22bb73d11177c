/**
 * Tokens of a text by its words, each tokenised once. A tokenizer goes over every character of every text several times,
 * which costs more than the inference of a small model; yet what stands between two blanks gives the same tokens wherever
 * it stands, and most of a table's words are ones that came before.
 */

import type { TokenizerFile } from './file.ts';

/** BERT's own normalizer and pre-tokenizer never look across a blank, and no token of the vocabulary holds one. */
export const isWordwise = (file: TokenizerFile): boolean =>
  file.normalizer?.type === 'BertNormalizer' &&
  file.pre_tokenizer?.type === 'BertPreTokenizer' &&
  file.model.type === 'WordPiece' &&
  (file.added_tokens ?? []).every(({ content }) => !/\s/.test(content));

/** Longer ones are rare, and not worth their memory. */
const LONGEST_KEPT = 40;
/** Bounds the memory: with this many, some 20 MB. */
const MAX_WORDS = 100_000;

export class WordCache {
  readonly #encode: (word: string) => number[];
  readonly #words = new Map<string, readonly number[]>();

  /** `encode`: tokens of a word, which are the same each time. */
  constructor(encode: (word: string) => number[]) {
    this.#encode = encode;
  }

  /** Tokens of one word. */
  word(word: string): readonly number[] {
    let own = this.#words.get(word);
    if (own === undefined) {
      own = this.#encode(word);
      if (word.length <= LONGEST_KEPT) this.#keep(word, own);
    }
    return own;
  }

  /** Tokens of the whole text, in its order. */
  encode(text: string): number[] {
    const tokens: number[] = [];
    for (const word of text.split(/[ \n\r\t]+/)) {
      if (word === '') continue;
      for (const token of this.word(word)) tokens.push(token);
    }
    return tokens;
  }

  #keep(word: string, tokens: readonly number[]): void {
    // Frequent words are back at once; to know which they are would cost more at every word.
    if (this.#words.size >= MAX_WORDS) this.#words.clear();
    this.#words.set(word, tokens);
  }
}
