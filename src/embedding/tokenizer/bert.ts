/** BertNormalizer and BertPreTokenizer. */

import {
  PUNCTUATION,
  cleanText,
  isolateIdeographs,
  lowercase,
  normalizationForm,
  withoutNonspacing,
} from './text/unicode.ts';

export interface BertFlags {
  clean_text: boolean;
  handle_chinese_chars: boolean;
  /** Null: as `lowercase`. */
  strip_accents?: boolean | null | undefined;
  lowercase: boolean;
}

/** Nothing in it to clean, to part or to take off. */
const PLAIN = /^[ -~]*$/;

/** In the reference's order, accents before case. */
export function bertNormalize(text: string, flags: BertFlags): string {
  if (PLAIN.test(text)) return flags.lowercase ? text.toLowerCase() : text;
  let normal = text;
  if (flags.clean_text) normal = cleanText(normal);
  if (flags.handle_chinese_chars) normal = isolateIdeographs(normal);
  if (flags.strip_accents ?? flags.lowercase) normal = withoutNonspacing(normalizationForm(normal, 'NFD'));
  return flags.lowercase ? lowercase(normal) : normal;
}

const WORD = new RegExp(`[^\\p{White_Space}${PUNCTUATION}]+|${PUNCTUATION}`, 'gv');

/** Runs of letters, and punctuation marks one by one. */
export const bertWords = (text: string): string[] => text.match(WORD) ?? [];
