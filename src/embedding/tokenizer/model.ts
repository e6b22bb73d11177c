/** `model` of a tokenizer.json → ids of a piece. */

import { bytePairEncoding } from './bpe.ts';
import type { ModelPart } from './file.ts';
import type { TokenizeModel } from './tokenize-model.ts';
import { unigram } from './unigram.ts';
import { wordPiece } from './wordpiece.ts';

/** @throws Error where the vocabulary contradicts itself */
export function tokenizerModel(part: ModelPart): TokenizeModel {
  switch (part.type) {
    case 'WordPiece':
      return wordPiece(part);
    case 'WordLevel':
      return wordLevel(part);
    case 'BPE':
      return bytePairEncoding(part);
    default:
      return unigram(part);
  }
}

function wordLevel(part: Extract<ModelPart, { type: 'WordLevel' }>): TokenizeModel {
  const ids = new Map(Object.entries(part.vocab));
  const unknownId = ids.get(part.unk_token);
  if (unknownId === undefined)
    throw new Error(`tokenizer.json has no token ${part.unk_token} in model.vocab`);
  return { tokenize: (piece) => [ids.get(piece) ?? unknownId], ids, unknownId };
}
