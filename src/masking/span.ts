/** Places in a text, half open. */

export interface Span {
  start: number;
  end: number;
}

/** Finds the values of one kind. Spans may overlap and come in any order; the time must be linear in the text. */
export type Finder = (text: string) => Span[];

/** Sorted, and as one where they overlap. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start < last.end) last.end = Math.max(last.end, end);
    else if (start < end) merged.push({ start, end });
  }
  return merged;
}

export const wholeMatches = (text: string, pattern: RegExp): Span[] =>
  Array.from(text.matchAll(pattern), (found) => ({
    start: found.index,
    end: found.index + found[0].length,
  }));

const WORD = /[\p{L}\p{N}\p{M}]/u;

/** Whether a letter, digit or mark stands at `at`; beyond the text is none. Halves of surrogate pairs are none either. */
export function isWordAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0x80) {
    return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  }
  return code >= 0x80 && WORD.test(text.charAt(at));
}

export const isDigitAt = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
};

/** 1.5 and 10.1234/…: digits behind a decimal point, or in front of one, are part of a longer number. */
export const continuesBefore = (text: string, at: number): boolean =>
  isWordAt(text, at - 1) || (text[at - 1] === '.' && isDigitAt(text, at - 2));
export const continuesAfter = (text: string, at: number): boolean =>
  isWordAt(text, at) || (text[at] === '.' && isDigitAt(text, at + 1));

/** Blanks and dashes of every width, as typesetters and word processors put between groups of digits. */
export const BLANKS = ' \\u00a0\\u2000-\\u200a\\u202f\\u205f\\u3000';
export const DASHES = '\\u2010-\\u2015\\u2212\\uff0d-';
