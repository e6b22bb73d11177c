/**
 * Where a text may be cut: behind paragraphs, sentences, lines and words, by Unicode's own rules (`Intl.Segmenter`), which
 * know words of languages without spaces, too. One fixed locale: the machine's own must not decide about passages.
 */

const LOCALE = 'en';
const sentences = new Intl.Segmenter(LOCALE, { granularity: 'sentence' });
const words = new Intl.Segmenter(LOCALE, { granularity: 'word' });
const graphemes = new Intl.Segmenter(LOCALE, { granularity: 'grapheme' });

/** The end of a paragraph: a line break, lines of nothing but blanks, and what blanks follow. */
const PARAGRAPH_END =
  /(?:\r\n|\r(?!\n)|[\n\u0085\u2028\u2029])[^\S\n\r\u0085\u2028\u2029]*[\n\r\u0085\u2028\u2029]\s*/g;
const LINE_BREAKS = /[\n\r\u0085\u2028\u2029]/g;
const LINE_BREAK = /[\n\r\u0085\u2028\u2029]/;
const BLANK = /^\s+$/;
/** What belongs to the word behind it. */
const OPENING = /[\p{Ps}\p{Pi}]$/u;

/** A stretch from the end of the one before it, blanks behind it included. */
export interface Sentence {
  start: number;
  end: number;
  endsParagraph: boolean;
}

/** All of the text, lazily. A line break inside a paragraph ends no sentence: lines may have been broken to a width. */
export function* sentencesOf(text: string): Generator<Sentence> {
  let from = 0;
  for (const end of paragraphEnds(text)) {
    const paragraph = text.slice(from, end).replaceAll(LINE_BREAKS, ' ');
    let last: Sentence | null = null;
    for (const { index, segment } of sentences.segment(paragraph)) {
      if (last !== null) yield last;
      last = { start: from + index, end: from + index + segment.length, endsParagraph: false };
    }
    if (last !== null) yield { ...last, endsParagraph: true };
    from = end;
  }
}

function* paragraphEnds(text: string): Generator<number> {
  let last = 0;
  for (const { 0: found, index } of text.matchAll(PARAGRAPH_END)) {
    last = index + found.length;
    yield last;
  }
  if (last < text.length) yield text.length;
}

/** A word with the blanks and marks in front of it that stay with it. */
export interface Word {
  start: number;
  end: number;
  /** A line begins with it. */
  beginsLine: boolean;
}

/** All of the text, lazily: a cut may fall between any two of them. */
export function* wordsOf(text: string): Generator<Word> {
  let start = 0;
  let beginsLine = false;
  let before = '';
  for (const { index, segment, isWordLike = false } of words.segment(text)) {
    if (index > start && isCut(before, segment, isWordLike)) {
      yield { start, end: index, beginsLine };
      start = index;
      beginsLine = LINE_BREAK.test(before);
    }
    // "\n" and the blanks behind it are segments of their own.
    before = BLANK.test(segment) && BLANK.test(before) ? before + segment : segment;
  }
  if (start < text.length) yield { start, end: text.length, beginsLine };
}

/** Blanks go with the word before them, closing marks too. */
function isCut(before: string, segment: string, isWordLike: boolean): boolean {
  if (BLANK.test(segment)) return false;
  return BLANK.test(before) || (isWordLike && !OPENING.test(before));
}

/** Ends of what a reader takes for one character. */
export function* characterEnds(text: string): Generator<number> {
  for (const { index, segment } of graphemes.segment(text)) yield index + segment.length;
}
