/** Byte-pair encoding: of all pairs of neighbours that may be merged the first in the list is, until there is none. */

import { byteTokens } from './byte-level.ts';
import type { ModelPart } from './file.ts';
import type { TokenizeModel } from './tokenize-model.ts';
import { MinHeap } from './min-heap.ts';

/** More than any vocabulary has tokens, and its square is below 2⁵³: two numbers are kept as one. */
const BASE = 2 ** 26;
const NONE = -1;

export function bytePairEncoding(part: Extract<ModelPart, { type: 'BPE' }>): TokenizeModel {
  const ids = new Map(Object.entries(part.vocab));
  const unknownId = part.unk_token == null ? undefined : ids.get(part.unk_token);
  const merges = mergesOf(part, ids);

  const tokenize = (piece: string): number[] => {
    if (piece === '') return [];
    const whole = part.ignore_merges === true ? ids.get(piece) : undefined;
    return whole === undefined ? merged(characterIds(piece), merges) : [whole];
  };

  /** An unknown character is held back until the next known one, past bytes too, as the reference does. */
  function characterIds(piece: string): number[] {
    const result: number[] = [];
    let unknown = false;
    const characters = Array.from(piece);
    for (const [at, character] of characters.entries()) {
      const prefixed = at === 0 ? character : (part.continuing_subword_prefix ?? '') + character;
      const token = at === characters.length - 1 ? prefixed + (part.end_of_word_suffix ?? '') : prefixed;
      const id = ids.get(token);
      if (id !== undefined) {
        if (unknown && unknownId !== undefined) result.push(unknownId);
        unknown = false;
        result.push(id);
        continue;
      }
      if (part.byte_fallback === true) {
        const bytes = byteTokens(token).map((byte) => ids.get(byte));
        if (bytes.every((byte) => byte !== undefined)) {
          result.push(...bytes);
          continue;
        }
      }
      if (unknownId === undefined) {
        // Vocabularies of bytes name one that they do not have, and never come here.
        if (part.unk_token == null) continue;
        throw new Error(`tokenizer.json has no token ${part.unk_token} in model.vocab`);
      }
      if (unknown && part.fuse_unk !== true) result.push(unknownId);
      unknown = true;
    }
    if (unknown && unknownId !== undefined) result.push(unknownId);
    return result;
  }

  return { tokenize, ids, unknownId };
}

/** By the pair of ids: rank and id of what it becomes. */
function mergesOf(
  part: Extract<ModelPart, { type: 'BPE' }>,
  ids: ReadonlyMap<string, number>,
): Map<number, number> {
  const prefix = part.continuing_subword_prefix?.length ?? 0;
  const merges = new Map<number, number>();
  for (const [rank, entry] of part.merges.entries()) {
    const [left = '', right = ''] = typeof entry === 'string' ? entry.split(' ') : entry;
    const [leftId, rightId, id] = [left, right, left + right.slice(prefix)].map((token) => ids.get(token));
    if (leftId === undefined || rightId === undefined || id === undefined)
      throw new Error(
        `tokenizer.json has merge ${rank + 1} of model.merges of tokens that are not in model.vocab`,
      );
    merges.set(leftId * BASE + rightId, rank * BASE + id);
  }
  return merges;
}

function merged(symbols: number[], merges: ReadonlyMap<number, number>): number[] {
  const previous = symbols.map((_, at) => at - 1);
  const next = symbols.map((_, at) => (at + 1 < symbols.length ? at + 1 : NONE));
  const gone = new Uint8Array(symbols.length);
  /** By rank, then from the left. */
  const queue = new MinHeap();
  const mergeAt = (at: number): number | undefined => {
    const right = next[at] ?? NONE;
    return right === NONE ? undefined : merges.get((symbols[at] ?? 0) * BASE + (symbols[right] ?? 0));
  };
  const offer = (at: number): void => {
    const merge = at === NONE ? undefined : mergeAt(at);
    if (merge !== undefined) queue.push(Math.floor(merge / BASE) * BASE + at);
  };
  for (const at of symbols.keys()) offer(at);
  for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
    const at = top % BASE;
    const merge = gone[at] === 1 ? undefined : mergeAt(at);
    // One of the two has been merged with another neighbour since.
    if (merge === undefined || Math.floor(merge / BASE) !== Math.floor(top / BASE)) continue;
    const right = next[at] ?? NONE;
    symbols[at] = merge % BASE;
    gone[right] = 1;
    const behind = next[right] ?? NONE;
    next[at] = behind;
    if (behind !== NONE) previous[behind] = at;
    offer(previous[at] ?? NONE);
    offer(at);
  }
  return symbols.filter((_, at) => gone[at] === 0);
}
