/** Tokens that are found in a text before it is cut into words: marks like [SEP], and whatever was added to a vocabulary. */

import type { AddedToken } from './file.ts';
import { escaped } from './text/oniguruma.ts';
import { WORD_CHARACTER, asRegexKnows, trimEnd, trimStart } from './text/unicode.ts';

/** A stretch of text, or a token found in it. */
export type Section = { start: number; text: string } | { id: number };

/** What is looked for, and the token that it is. */
export interface Searched {
  content: string;
  token: AddedToken;
}

const STARTS_WITH_WORD = new RegExp(`^${WORD_CHARACTER}`, 'v');
const ENDS_WITH_WORD = new RegExp(`${WORD_CHARACTER}$`, 'v');

export function addedTokenFinder(searched: readonly Searched[]): (text: string) => Section[] {
  // Of two that look alike the first counts.
  const byContent = new Map(searched.toReversed().map(({ content, token }) => [content, token]));
  if (byContent.size === 0) return (text) => (text === '' ? [] : [{ start: 0, text }]);
  // The longest that begins at a place.
  const contents = [...byContent.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(contents.map((each) => Array.from(each, escaped).join('')).join('|'), 'gv');
  return (text) => {
    const sections: Section[] = [];
    let last = 0;
    for (const found of text.matchAll(pattern)) {
      const token = byContent.get(found[0]);
      const before = text.slice(0, found.index);
      const behind = text.slice(found.index + found[0].length);
      if (token === undefined) continue;
      if (token.single_word && (endsWithWord(before) || startsWithWord(behind))) continue;
      const start = token.lstrip ? Math.max(trimEnd(before).length, last) : found.index;
      if (start > last) sections.push({ start: last, text: text.slice(last, start) });
      const end = text.length - (token.rstrip ? trimStart(behind) : behind).length;
      // One of blanks, all of which the one before it took.
      if (end > start) sections.push({ id: token.id });
      last = end;
    }
    if (last < text.length) sections.push({ start: last, text: text.slice(last) });
    return sections;
  };
}

// Of one character alone: a search would go through all of them.
const endsWithWord = (text: string): boolean => ENDS_WITH_WORD.test(asRegexKnows(text.slice(-2)));
const startsWithWord = (text: string): boolean => STARTS_WITH_WORD.test(asRegexKnows(text.slice(0, 2)));
