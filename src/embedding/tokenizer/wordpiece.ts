/** WordPiece: the longest token that the word begins with, and so on; a word with a part that is none is unknown. */

import type { ModelPart } from './file.ts';
import type { TokenizeModel } from './tokenize-model.ts';

export function wordPiece(part: Extract<ModelPart, { type: 'WordPiece' }>): TokenizeModel {
  const ids = new Map(Object.entries(part.vocab));
  const unknownId = ids.get(part.unk_token);
  if (unknownId === undefined)
    throw new Error(`tokenizer.json has no token ${part.unk_token} in model.vocab`);
  const prefix = part.continuing_subword_prefix;
  const longest = Math.max(0, ...lengthsOf(ids));

  const tokenize = (word: string): number[] => {
    if (
      word.length > part.max_input_chars_per_word &&
      Array.from(word).length > part.max_input_chars_per_word
    )
      return [unknownId];
    const tokens: number[] = [];
    for (let start = 0; start < word.length;) {
      let end = Math.min(word.length, start + longest);
      let id: number | undefined;
      for (; end > start; end--) {
        const piece = word.slice(start, end);
        id = ids.get(start === 0 ? piece : prefix + piece);
        if (id !== undefined) break;
      }
      if (id === undefined) return [unknownId];
      tokens.push(id);
      start = end;
    }
    return tokens;
  };
  return { tokenize, ids, unknownId };
}

function lengthsOf(ids: ReadonlyMap<string, number>): number[] {
  const lengths = new Set<number>();
  for (const token of ids.keys()) lengths.add(token.length);
  return [...lengths];
}
