/** `post_processor` of a tokenizer.json → the tokens that stand before and behind every text. */

import type { PostProcessorPart } from './file-schema.ts';

export interface SpecialTokens {
  before: number[];
  behind: number[];
}

/** @throws Error where the text is not in it exactly once */
export function specialTokensOf(part: PostProcessorPart | null | undefined): SpecialTokens {
  if (part === null || part === undefined) return { before: [], behind: [] };
  switch (part.type) {
    case 'ByteLevel':
      return { before: [], behind: [] };
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [part.cls[1]], behind: [part.sep[1]] };
    case 'TemplateProcessing':
      return template(part);
    default:
      // Each around what the one before it made.
      return part.processors.map(specialTokensOf).reduce(
        (inner, outer) => ({
          before: [...outer.before, ...inner.before],
          behind: [...inner.behind, ...outer.behind],
        }),
        { before: [], behind: [] },
      );
  }
}

function template(part: Extract<PostProcessorPart, { type: 'TemplateProcessing' }>): SpecialTokens {
  const isText = part.single.map((piece) => 'Sequence' in piece && piece.Sequence.id === 'A');
  const at = isText.indexOf(true);
  const pieces = part.single.map((piece) => {
    if ('Sequence' in piece) return [];
    const token = part.special_tokens[piece.SpecialToken.id];
    if (token === undefined)
      throw new Error(`tokenizer.json has no post_processor.special_tokens.${piece.SpecialToken.id}`);
    return token.ids;
  });
  if (part.single.filter((piece) => 'Sequence' in piece).length !== 1 || at < 0)
    throw new Error('tokenizer.json has post_processor.single without exactly one Sequence A');
  return { before: pieces.slice(0, at).flat(), behind: pieces.slice(at + 1).flat() };
}
