/**
 * A text's token ids as the model's own tokenizer gives them. @xenova/transformers has a tokenizer too, which leaves out
 * members of tokenizer.json that it does not know and has parts of its own making: with it one text in four had other
 * tokens than the model was trained on, and every vector looked as good as any other.
 */

import { addedTokenFinder, type Section } from './added-tokens.ts';
import type { AddedToken, TokenizerFile } from './file.ts';
import { specialTokensOf, type SpecialTokens } from './special-tokens.ts';
import { tokenizerModel } from './model.ts';
import type { TokenizeModel } from './tokenize-model.ts';
import { normalizer } from './text/normalizers.ts';
import type { Normalize, Piece, PreTokenize } from './pieces.ts';
import { preTokenizer } from './text/pre-tokenizers.ts';
import { wellFormed } from './text/unicode.ts';
import { PieceCache } from './piece-cache.ts';
import { WordCache, isWordwise } from './word-cache.ts';

/** Of a text that was cut, how many pieces at its end may be others than in the whole text. */
const UNSURE_PIECES = 16;
const BLANK = /[ \n\r\t]/;

export class Tokenizer {
  readonly frame: SpecialTokens;
  /** Marks that say nothing of a text: the frame, padding, what is unknown. */
  readonly specialIds: ReadonlySet<number>;
  readonly unknownId: number | undefined;
  readonly #model: TokenizeModel;
  readonly #added: ReadonlyMap<string, number>;
  readonly #normalize: Normalize;
  readonly #preTokenize: PreTokenize;
  readonly #findRaw: (text: string) => Section[];
  readonly #findNormal: (text: string) => Section[];
  /** Words between two blanks, whose tokens are the same wherever they stand; null where they are not. */
  readonly #words: WordCache | null;
  readonly #pieces: PieceCache;

  /** @throws Error where a part cannot be used */
  constructor(file: TokenizerFile) {
    this.#model = tokenizerModel(file.model);
    this.#normalize = normalizer(file.normalizer);
    this.#preTokenize = preTokenizer(file.pre_tokenizer);
    this.frame = specialTokensOf(file.post_processor);
    this.unknownId = this.#model.unknownId;
    const tokens = numbered(
      (file.added_tokens ?? []).filter(({ content }) => content !== ''),
      this.#model.ids,
    );
    this.#added = new Map(tokens.map(({ content, id }) => [content, id]));
    const searched = tokens.map((token) => ({ content: token.content, token }));
    this.#findRaw = addedTokenFinder(searched.filter(({ token }) => !token.normalized));
    this.#findNormal = addedTokenFinder(
      searched
        .filter(({ token }) => token.normalized)
        .map(({ content, token }) => ({ content: this.#searchedAs(content), token })),
    );
    this.specialIds = new Set([
      ...tokens.filter(({ special }) => special).map(({ id }) => id),
      ...this.frame.before,
      ...this.frame.behind,
      ...(this.unknownId === undefined ? [] : [this.unknownId]),
    ]);
    this.#pieces = new PieceCache((piece) => this.#model.tokenize(piece));
    this.#words = isWordwise(file) ? new WordCache((word) => this.#sections(word).flat()) : null;
  }

  /** The vocabulary and what was added to it, each token once, with its id. */
  *tokens(): Generator<[token: string, id: number]> {
    yield* this.#model.ids;
    for (const [token, id] of this.#added) if (!this.#model.ids.has(token)) yield [token, id];
  }

  idOf(token: string): number | undefined {
    return this.#added.get(token) ?? this.#model.ids.get(token);
  }

  /** Ids of the whole text, without frame. */
  encode(text: string): number[] {
    const whole = wellFormed(text);
    return this.#words?.encode(whole) ?? this.#sections(whole).flat();
  }

  /**
   * Of the beginning of a text, which ends at a blank or in a word: ids that are the first of the whole text too. What
   * stands last may be part of a longer piece, and there may be nothing that is sure.
   */
  encodeBeginning(text: string): number[] {
    const beginning = wellFormed(text);
    if (this.#words === null) return this.#sections(beginning).slice(0, -UNSURE_PIECES).flat();
    return this.#words.encode(beginning.slice(0, lastBlank(beginning)));
  }

  /** Ids by piece, or of an added token. */
  #sections(text: string): (readonly number[])[] {
    const result: (readonly number[])[] = [];
    for (const raw of this.#findRaw(text)) {
      if ('id' in raw) {
        result.push([raw.id]);
        continue;
      }
      const first = raw.start === 0 && this.#keepsBeginning(raw.text);
      for (const normal of this.#findNormal(this.#normalize(raw.text))) {
        if ('id' in normal) result.push([normal.id]);
        else this.#pieceIds({ text: normal.text, first: first && normal.start === 0 }, result);
      }
    }
    return result;
  }

  #pieceIds(section: Piece, result: (readonly number[])[]): void {
    for (const { text } of this.#preTokenize(section)) result.push(this.#pieces.tokens(text));
  }

  #searchedAs(content: string): string {
    const normal = this.#normalize(content);
    if (normal !== '') return normal;
    throw new Error(
      `tokenizer.json has added token ${JSON.stringify(content)}, of which its normalizer leaves nothing`,
    );
  }

  /** What is left begins where the text did: nothing was taken away in front of it. */
  #keepsBeginning(text: string): boolean {
    return this.#normalize(String.fromCodePoint(text.codePointAt(0) ?? 0)) !== '';
  }
}

/** With the ids that the reference gives: the vocabulary's own, or the next ones behind it, whatever the file says. */
function numbered(tokens: readonly AddedToken[], ids: ReadonlyMap<string, number>): AddedToken[] {
  const known = new Map<string, number>();
  let last = -1;
  for (const { content } of tokens) {
    if (known.has(content)) continue;
    const id = ids.get(content) ?? Math.max(last + 1, ids.size);
    known.set(content, id);
    last = Math.max(last, id);
  }
  return tokens.map((token) => ({ ...token, id: known.get(token.content) ?? token.id }));
}

/** Where the last word begins that may go on. */
function lastBlank(text: string): number {
  let at = text.length;
  while (at > 0 && !BLANK.test(text[at - 1] ?? '')) at--;
  return at;
}
