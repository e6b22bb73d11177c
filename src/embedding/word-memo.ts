/**
 * Tokens of a text by its words, each tokenised once. The library's BERT tokenizer goes over every character of every
 * text several times, which costs more than the inference of a small model; yet what stands between two blanks gives
 * the same tokens wherever it stands, and most of a table's words are ones that came before.
 */

/** What tells whether words can be taken one by one; of the library's tokenizer. */
export interface WordwiseParts {
  normalizer?: object | null | undefined;
  pre_tokenizer?: object | null | undefined;
  model: { config?: { type?: string; fuse_unk?: boolean } };
  added_tokens?: readonly { content: string }[];
  remove_space?: boolean;
  do_lowercase_and_remove_accent?: boolean;
}

/** BERT's own normalizer and pre-tokenizer never look across a blank, and no token of the vocabulary holds one. */
export function isWordwise(parts: WordwiseParts): boolean {
  return (
    parts.normalizer?.constructor.name === 'BertNormalizer' &&
    parts.pre_tokenizer?.constructor.name === 'BertPreTokenizer' &&
    parts.model.config?.type === 'WordPiece' &&
    parts.model.config.fuse_unk !== true &&
    parts.remove_space !== true &&
    parts.do_lowercase_and_remove_accent !== true &&
    (parts.added_tokens ?? []).every(({ content }) => !/\s/.test(content))
  );
}

/** Longer ones are rare, and not worth their memory. */
const LONGEST_KEPT = 40;
/** Bounds the memory: with this many, some 20 MB. */
const MOST_WORDS = 100_000;

export class WordMemo {
  readonly #encode: (word: string) => number[];
  readonly #words = new Map<string, readonly number[]>();

  /** `encode`: tokens of a piece of text, without special ones around them. */
  constructor(encode: (word: string) => number[]) {
    this.#encode = encode;
  }

  /** Tokens of the whole text, in its order. */
  encode(text: string): number[] {
    const tokens: number[] = [];
    for (const word of text.split(/[ \n\r\t]+/)) {
      if (word === '') continue;
      let own = this.#words.get(word);
      if (own === undefined) {
        own = this.#encode(word);
        if (word.length <= LONGEST_KEPT) this.#keep(word, own);
      }
      for (const token of own) tokens.push(token);
    }
    return tokens;
  }

  #keep(word: string, tokens: readonly number[]): void {
    // Frequent words are back at once; to know which they are would cost more at every word.
    if (this.#words.size >= MOST_WORDS) this.#words.clear();
    this.#words.set(word, tokens);
  }
}
