/** Unigram: of all ways of cutting a piece into tokens the one whose scores add up to most. */

import { byteTokens } from './byte-level.ts';
import type { ModelPart } from './file.ts';
import type { TokenizeModel } from './tokenize-model.ts';

/** An unknown character costs this more than the rarest token. */
const UNKNOWN_PENALTY = 10;

export function unigram(part: Extract<ModelPart, { type: 'Unigram' }>): TokenizeModel {
  const ids = new Map(part.vocab.map(([token], id) => [token, id]));
  const scores = Float64Array.from(part.vocab, ([, score]) => score);
  const unknownId = part.unk_id ?? undefined;
  if (unknownId === undefined || unknownId >= scores.length)
    throw new Error('tokenizer.json has no model.unk_id for characters that are in no token');
  const unknownScore = scores.reduce((min, score) => Math.min(min, score), Infinity) - UNKNOWN_PENALTY;
  const prefixes = new SortedTokens([...ids.keys()]);

  /** Where the best token that ends at each place begins, and its id; 0 is the beginning of the piece. */
  function bestPath(piece: string): { starts: Int32Array; tokens: Int32Array } {
    const best = new Float64Array(piece.length + 1);
    const starts = new Int32Array(piece.length + 1).fill(-1);
    const tokens = new Int32Array(piece.length + 1);
    for (let start = 0; start < piece.length;) {
      const till = best[start] ?? 0;
      const width = (piece.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
      const offer = (end: number, id: number, score: number): void => {
        if (starts[end] !== -1 && till + score <= (best[end] ?? 0)) return;
        best[end] = till + score;
        starts[end] = start;
        tokens[end] = id;
      };
      let single = false;
      prefixes.forEachPrefix(piece, start, (end, token) => {
        const id = ids.get(token) ?? 0;
        offer(end, id, scores[id] ?? 0);
        if (end - start === width) single = true;
      });
      if (!single) offer(start + width, unknownId ?? 0, unknownScore);
      start += width;
    }
    return { starts, tokens };
  }

  /** Unknown characters beside each other are one piece, which may be bytes. */
  function strings(piece: string): string[] {
    const { starts, tokens } = bestPath(piece);
    const result: string[] = [];
    let unknown = '';
    const flush = (): void => {
      if (unknown !== '') result.push(unknown);
      unknown = '';
    };
    for (let end = piece.length; end > 0;) {
      const start = starts[end] ?? 0;
      const string = piece.slice(start, end);
      if (tokens[end] === unknownId) unknown = string + unknown;
      else {
        flush();
        result.push(string);
      }
      end = start;
    }
    flush();
    return result.toReversed();
  }

  const idsOf = (string: string): number[] => {
    const id = ids.get(string);
    if (id !== undefined) return [id];
    const bytes = part.byte_fallback === true ? byteTokens(string).map((byte) => ids.get(byte)) : [undefined];
    return bytes.every((byte) => byte !== undefined) ? bytes : [unknownId];
  };
  return { tokenize: (piece) => strings(piece).flatMap(idsOf), ids, unknownId };
}

/** Tokens in order, so that those with one beginning stand together: a fraction of a trie's memory. */
class SortedTokens {
  readonly #tokens: string[];
  /** By the first code unit: where its tokens begin and end. */
  readonly #byFirst = new Map<number, { low: number; high: number }>();

  constructor(tokens: string[]) {
    this.#tokens = tokens.filter((token) => token !== '').sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [at, token] of this.#tokens.entries()) {
      const range = this.#byFirst.get(token.charCodeAt(0));
      if (range === undefined) this.#byFirst.set(token.charCodeAt(0), { low: at, high: at + 1 });
      else range.high = at + 1;
    }
  }

  /** Calls back for every token that stands in `text` at `start`, from the shortest. */
  forEachPrefix(text: string, start: number, call: (end: number, token: string) => void): void {
    let { low, high } = this.#byFirst.get(text.charCodeAt(start)) ?? { low: 0, high: 0 };
    for (let length = 1; low < high; length++) {
      const token = this.#tokens[low] ?? '';
      if (token.length === length) {
        call(start + length, token);
        low++;
      }
      if (start + length >= text.length) return;
      const unit = text.charCodeAt(start + length);
      low = this.#firstAtLeast(low, high, length, unit);
      high = this.#firstAtLeast(low, high, length, unit + 1);
    }
  }

  /** Of tokens that agree before `at`: the first whose code unit there is `unit` or more. */
  #firstAtLeast(from: number, to: number, at: number, unit: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#tokens[middle] ?? '').charCodeAt(at) < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
