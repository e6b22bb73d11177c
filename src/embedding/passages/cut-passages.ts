/**
 * A long text → passages that the model reads whole: cut behind a paragraph, else behind a sentence, else behind a line or a
 * word, each with the end of the one before it in common. Pure, and the same for the same text.
 *
 * Each cut is found in a window that begins where the passage does: memory does not grow with the text, time grows with it and
 * not with its square, and what stands before a passage decides nothing but where it begins. So behind an edit passages are soon
 * the very ones of before, and need not be embedded again.
 */

import { characterEnds, sentencesOf, wordsOf } from './boundaries.ts';

export interface PassageTokens {
  /** Of a passage, what stands in front of every text included. */
  max: number;
  /** That neighbours have in common. */
  overlap: number;
  /** Of a stretch inside a text. Sums of them are about those of the whole. */
  ofPart: (text: string) => number;
  /** Of a passage as the model reads it: what `max` is held to. */
  ofPassage: (text: string) => number;
}

/** By place in the text, in UTF-16 units. */
export interface Stretch {
  start: number;
  end: number;
}

export interface CutText {
  /** None of an empty text. */
  passages: Stretch[];
  /** Where the text was left off at `maxPassages`; its length where it was not. */
  end: number;
}

/** Characters of a window for each token, as in ordinary text, with room to spare. */
const CHARACTERS_PER_TOKEN = 8;
const GROWTH = 4;
/** Behind a paragraph or a sentence a passage ends only where it is as full as this; otherwise many would be short. */
const FILLED = 0.5;

/** @param whole stretches that are not cut, in their order, such as placeholders of masked values */
export function cutPassages(
  text: string,
  tokens: PassageTokens,
  maxPassages: number,
  whole: readonly Stretch[] = [],
): CutText {
  const passages: Stretch[] = [];
  const cutter = new Cutter(text, tokens, whole);
  let start = 0;
  let end = 0;
  while (end < text.length && passages.length < maxPassages) {
    let next = cutter.endOf(start, end);
    if (next === null) {
      // With what it has in common the passage has no room for the next word.
      start = end;
      next = cutter.endOf(start, end) ?? text.length;
    }
    passages.push({ start, end: next });
    end = next;
    start = cutter.commonStart(start, end);
  }
  return { passages, end };
}

/** Where something ends, and the tokens up to there, about. */
interface Boundary {
  at: number;
  tokens: number;
  /** A cut here falls between two paragraphs, or two lines. */
  strong: boolean;
}

class Cutter {
  readonly #text: string;
  readonly #tokens: PassageTokens;
  readonly #whole: readonly Stretch[];

  constructor(text: string, tokens: PassageTokens, whole: readonly Stretch[]) {
    this.#text = text;
    this.#tokens = tokens;
    this.#whole = whole;
  }

  /** Where the passage from `start` ends, behind `least`; null where only a cut through a word would end it there. */
  endOf(start: number, least: number): number | null {
    const { max, ofPassage, ofPart } = this.#tokens;
    // What stands in front of every text, by a passage of nothing.
    let budget = max - ofPassage('');
    for (;;) {
      const end = this.#endWithin(start, least, budget);
      if (end === null) break;
      const passage = this.#text.slice(start, end);
      const over = ofPassage(passage) - max;
      if (over <= 0) return end;
      // The sum of the parts was less than the whole.
      budget = Math.min(budget, ofPart(passage)) - Math.max(1, over);
    }
    return start < least ? null : this.#insideWord(start);
  }

  /** The best boundary within so many tokens; null where there is none behind `least`. */
  #endWithin(start: number, least: number, budget: number): number | null {
    if (budget <= 0) return null;
    for (let size = Math.ceil(budget * CHARACTERS_PER_TOKEN); ; size *= GROWTH) {
      const limit = Math.min(start + size, this.#text.length);
      const isAll = limit === this.#text.length;
      const window = this.#text.slice(start, limit);
      const found = this.#search(window, start, budget, isAll);
      if (found === 'more') continue;
      return found !== null && found > least ? found : null;
    }
  }

  /** 'more': the window has fewer tokens than a passage. */
  #search(window: string, start: number, budget: number, isAll: boolean): number | 'more' | null {
    const within: Boundary[] = [];
    let sum = 0;
    let from = 0;
    for (const { start: begin, end, endsParagraph } of sentencesOf(window)) {
      // Its end is the window's, and not its own.
      if (end === window.length && !isAll) {
        if (sum + this.#tokens.ofPart(window.slice(begin)) <= budget) return 'more';
        break;
      }
      const tokens = sum + this.#tokens.ofPart(window.slice(begin, end));
      if (tokens > budget) break;
      sum = tokens;
      from = end;
      if (end === window.length) return start + end;
      if (this.#mayCut(start + end)) within.push({ at: start + end, tokens, strong: endsParagraph });
    }
    const filled = within.filter((each) => each.tokens >= FILLED * budget);
    const best = filled.findLast((each) => each.strong) ?? filled.at(-1);
    if (best !== undefined) return best.at;
    return this.#searchWords(window.slice(from), start + from, budget, sum) ?? within.at(-1)?.at ?? null;
  }

  /** The same in a sentence that is too long. @param sum tokens before it */
  #searchWords(sentence: string, start: number, budget: number, sum: number): number | null {
    const within: Boundary[] = [];
    let tokens = sum;
    let counted = 0;
    for (const word of wordsOf(sentence)) {
      if (word.beginsLine) {
        const before = within.at(-1);
        if (before !== undefined && before.at === start + word.start) before.strong = true;
      }
      // With the blanks in front of it, and not those behind: to some tokenizers they are part of the word.
      const end = word.start + sentence.slice(word.start, word.end).trimEnd().length;
      tokens += this.#tokens.ofPart(sentence.slice(counted, end));
      counted = end;
      if (tokens > budget) break;
      // Of a window the last word may go on.
      if (word.end === sentence.length && start + word.end < this.#text.length) break;
      if (this.#mayCut(start + word.end)) within.push({ at: start + word.end, tokens, strong: false });
    }
    const lines = within.filter((each) => each.strong && each.tokens >= FILLED * budget);
    return (lines.at(-1) ?? within.at(-1))?.at ?? null;
  }

  /** As much of a word as a passage takes. */
  #insideWord(start: number): number {
    const { max, ofPassage } = this.#tokens;
    const window = this.#text.slice(start, start + max * CHARACTERS_PER_TOKEN);
    const fits = (end: number): boolean => ofPassage(window.slice(0, end)) <= max;
    const ends = [...characterEnds(window)];
    // The window may end in the middle of a character.
    if (start + window.length < this.#text.length && ends.length > 1) ends.pop();
    const end = longestThat(
      ends.filter((each) => this.#mayCut(start + each)),
      fits,
    );
    if (end !== null) return start + end;
    const units = Array.from(ends[0] === undefined ? '' : window.slice(0, ends[0]));
    let at = 0;
    const codePoints = units.map((unit) => (at += unit.length));
    return start + (longestThat(codePoints, fits) ?? codePoints[0] ?? 1);
  }

  /** Where the passage behind the one from `start` to `end` begins: with as many words of it as may be in common. */
  commonStart(start: number, end: number): number {
    const { overlap, ofPart } = this.#tokens;
    if (overlap === 0 || end === this.#text.length) return end;
    const from = Math.max(start, end - overlap * CHARACTERS_PER_TOKEN);
    const tail = this.#text.slice(from, end);
    // The first one may be the rest of a word, or the passage's own beginning.
    const found = [...wordsOf(tail)].slice(1).filter((word) => this.#mayCut(from + word.start));
    const common = longestThat(
      found.map((word) => tail.length - word.start).toReversed(),
      (length) => ofPart(tail.slice(tail.length - length)) <= overlap,
    );
    return common === null ? end : end - common;
  }

  #mayCut(at: number): boolean {
    let low = 0;
    let high = this.#whole.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#whole[middle]?.end ?? at) <= at) low = middle + 1;
      else high = middle;
    }
    return (this.#whole[low]?.start ?? at) >= at;
  }
}

/** The largest of rising values for which it holds, as long as it holds for all that are smaller; null where it holds for none. */
function longestThat(values: readonly number[], holds: (value: number) => boolean): number | null {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(values[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : (values[low - 1] as number);
}
