/** One text → its passages as they are embedded, each with its place in the text of the row. */

import type { CutText, Passage } from '../embedder.ts';
import { MaskTooSlow } from '../../masking/rules.ts';
import { applyMasks, countMasks, type Mask, type Masker } from '../../masking/masker.ts';
import { cutPassages, type PassageTokens } from './cut-passages.ts';
import { inCharacters, placeholders, unmasked } from './offsets.ts';

export type CountedText = CutText & {
  /** Values masked, by type. */
  counts: Record<string, number>;
};

export function passagesOf(
  text: string,
  masker: Pick<Masker, 'find'>,
  tokens: PassageTokens,
  maxPassages: number,
): CountedText {
  const masks = findOrNull(masker, text);
  if (masks === null) return { passages: [], truncated: false, fault: 7, counts: {} };
  const masked = masks.length === 0 ? text : applyMasks(text, masks);
  const cut = cutPassages(masked, tokens, maxPassages, placeholders(masks));
  const places = inCharacters(text, unmasked(cut.passages, masks));
  const passages = cut.passages.map(({ start, end }, at): Passage => ({
    text: masked.slice(start, end),
    start: places[at]?.start ?? 0,
    end: places[at]?.end ?? 0,
  }));
  return { passages, truncated: cut.end < masked.length, fault: 0, counts: countMasks(masks) };
}

function findOrNull(masker: Pick<Masker, 'find'>, text: string): Mask[] | null {
  try {
    return masker.find(text);
  } catch (error) {
    if (error instanceof MaskTooSlow) return null;
    throw error;
  }
}
