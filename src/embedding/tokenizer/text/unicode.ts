/** Classes of characters and forms of text as the reference tokenizer has them, on every release of Node. */

import {
  ALSO_MARK,
  ALSO_NONSPACING,
  ALSO_PUNCTUATION,
  NOT_CONTROL,
  NOT_MARK,
  NOT_NONSPACING,
  NOT_PUNCTUATION,
  UNKNOWN_TO_NFD,
  UNKNOWN_TO_NFKD,
  UNKNOWN_TO_REGEX,
} from './unicode-tables.ts';

/** `61d 2e43-2e4f` → the inside of a character class. */
const ranges = (hex: string): string =>
  hex
    .trim()
    .replace(/[0-9a-f]+/g, String.raw`\u{$&}`)
    .replace(/\s+/g, '');

/** Sources of character classes, for regular expressions with the flag `v`. */
export const PUNCTUATION = `[[\\p{P}!-\\/:-@\\[-\`\\{-~${ranges(ALSO_PUNCTUATION)}]--[${ranges(NOT_PUNCTUATION)}]]`;
const CONTROL = `[[\\p{Cc}\\p{Cf}\\p{Co}\\0\\u{fffd}]--[\\t\\n\\r${ranges(NOT_CONTROL)}]]`;
/** Of a word, in the sense of regular expressions. */
export const WORD_CHARACTER = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
/** The last range begins at U+2B920, not U+2B820, in the reference too. */
const HAN = String.raw`[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]`;

const CONTROLS = new RegExp(CONTROL, 'gv');
const SPACES = /\p{White_Space}/gu;
const IDEOGRAPHS = new RegExp(HAN, 'gv');
const NONSPACING = new RegExp(`[[\\p{Mn}${ranges(ALSO_NONSPACING)}]--[${ranges(NOT_NONSPACING)}]]`, 'gv');
const MARKS = new RegExp(`[[\\p{M}${ranges(ALSO_MARK)}]--[${ranges(NOT_MARK)}]]`, 'gv');
const FIRST_SPACES = /^\p{White_Space}+/u;
const LAST_SPACES = /\p{White_Space}+$/u;
const ASCII = /^[\0-\x7f]*$/;
const NEW_TO_NFD = new RegExp(`([${ranges(UNKNOWN_TO_NFD)}])`, 'v');
const NEW_TO_NFKD = new RegExp(`([${ranges(UNKNOWN_TO_NFD)}${ranges(UNKNOWN_TO_NFKD)}])`, 'v');
const NEW_TO_REGEX = new RegExp(`[${ranges(UNKNOWN_TO_REGEX)}]`, 'gv');

/** Without control characters, every blank a space. */
export const cleanText = (text: string): string => text.replace(CONTROLS, '').replace(SPACES, ' ');
export const isolateIdeographs = (text: string): string => text.replace(IDEOGRAPHS, ' $& ');
export const withoutNonspacing = (text: string): string => text.replace(NONSPACING, '');
export const withoutMarks = (text: string): string => text.replace(MARKS, '');
export const trimStart = (text: string): string => text.replace(FIRST_SPACES, '');
export const trimEnd = (text: string): string => {
  // From the end: a pattern tries every blank of the text first.
  let end = text.length;
  while (end > 0 && LAST_SPACES.test(text[end - 1] ?? '')) end--;
  return text.slice(0, end);
};

/** Character by character: a sigma at the end of a word is like any other. */
export const lowercase = (text: string): string => text.replaceAll('Σ', 'σ').toLowerCase();

export type NormalizationForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

export function normalizationForm(text: string, form: NormalizationForm): string {
  if (ASCII.test(text)) return text;
  const unknown = form === 'NFC' || form === 'NFD' ? NEW_TO_NFD : NEW_TO_NFKD;
  if (!unknown.test(text)) return text.normalize(form);
  return text
    .split(unknown)
    .map((part, at) => (at % 2 === 1 ? part : part.normalize(form)))
    .join('');
}

/** Of the same length, with characters without properties where the reference's regular expressions know none. */
export const asRegexKnows = (text: string): string =>
  ASCII.test(text)
    ? text
    : text.replace(NEW_TO_REGEX, (each) => (each.length === 1 ? '\u0378' : '\u{1ffff}'));

/** Half of a pair is no character; what stands for one that cannot be read stands for it. */
export const wellFormed = (text: string): string => text.toWellFormed();
