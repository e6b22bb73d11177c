import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cutPassages,
  type CutText,
  type PassageTokens,
  type Stretch,
} from '../../../src/embedding/passages/cut-passages.ts';
import { wellFormed } from '../../../src/embedding/tokenizer/text/unicode.ts';
import { uniform } from '../../../src/random.ts';

/**
 * Like WordPiece: up to four letters a token, each mark one, Han and kana one each, blanks none; and like byte-level
 * tokenizers in that a whole may be one token more or less than the sum of its parts.
 */
const count = (text: string): number =>
  (text.match(/[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu) ?? []).reduce(
    (sum, word) =>
      sum +
      (/[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]/u.test(word)
        ? Array.from(word).length
        : Math.ceil(word.length / 4)),
    /^\s/.test(text) ? 1 : 0,
  );
/** Two of the frame. */
const tokensOf = (max: number, overlap: number): PassageTokens => ({
  max,
  overlap,
  ofPart: count,
  ofPassage: (text) => count(text) + 2,
});
const MANY = 100_000;
const cut = (text: string, max = 32, overlap = 8, maxPassages = MANY): CutText =>
  cutPassages(text, tokensOf(max, overlap), maxPassages);
const shown = (text: string, { passages }: CutText): string[] =>
  passages.map(({ start, end }) => text.slice(start, end));
const common = (text: string, { passages }: CutText): string[] =>
  passages.slice(1).map(({ start }, at) => text.slice(start, passages[at]?.end));

/** What holds of every text. */
function check(text: string, max: number, overlap: number): CutText {
  const tokens = tokensOf(max, overlap);
  const result = cut(text, max, overlap);
  expect(result.end).toBe(text.length);
  let [start, end] = [-1, 0];
  for (const passage of result.passages) {
    // The whole text, in order, and each passage goes on where the one before it ends.
    expect(passage.start).toBeGreaterThan(start);
    expect(passage.start).toBeLessThanOrEqual(end);
    expect(passage.end).toBeGreaterThan(end);
    ({ start, end } = passage);
    const piece = text.slice(start, end);
    expect(tokens.ofPassage(piece)).toBeLessThanOrEqual(max);
    expect(wellFormed(piece)).toBe(piece);
  }
  for (const piece of common(text, result)) expect(count(piece)).toBeLessThanOrEqual(overlap);
  expect(cut(text, max, overlap)).toEqual(result);
  return result;
}

const WORDS = 'the of a record that was kept in bread dough yeast measurement interlingua phrase'.split(' ');
/** `sentences` of `words` words each, with blanks between them. */
function prose(sentences: number, seed = 1, between = ' '): string {
  const random = uniform(seed);
  const word = (): string => WORDS[Math.floor(random() * WORDS.length)] ?? '';
  return Array.from({ length: sentences }, () => {
    const sentence = Array.from({ length: 4 + Math.floor(random() * 12) }, word).join(' ');
    return `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}.`;
  }).join(between);
}

describe('a text in passages', () => {
  it('is one passage where it fits, and none where there is nothing', () => {
    expect(cut('Bread and dough.').passages).toEqual([{ start: 0, end: 16 }]);
    expect(cut('').passages).toEqual([]);
    expect(cut(' \n\n ').passages).toEqual([{ start: 0, end: 4 }]);
  });

  it('is covered whole, within the tokens of a passage and what neighbours have in common, whatever it is', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...WORDS,
        '.',
        '. ',
        '! ',
        ' ',
        '\n',
        '\n\n',
        '\r\n',
        '\r\n\r\n',
        '\u2028',
        '\t',
        '(',
        ')',
        '-',
        '…',
        '’',
      ),
      fc.constantFrom(
        '日本語の文章です。',
        '面包',
        'ข้อความภาษาไทย',
        '👩‍👩‍👧',
        '𠀀𠀁',
        'e\u0301',
        'नमस्ते',
        'שלום',
        '🇦🇹',
        '\u{1F600}',
      ),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.integer({ min: 1, max: 300 }).map((length) => 'x'.repeat(length)),
    );
    const texts = fc.array(piece, { maxLength: 120 }).map((pieces) => wellFormed(pieces.join('')));
    fc.assert(
      fc.property(
        texts,
        fc.integer({ min: 12, max: 60 }),
        fc.integer({ min: 0, max: 5 }),
        (text, max, overlap) => {
          check(text, max, overlap);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('ends behind a paragraph where it is half full, else behind a sentence, a line, a word', () => {
    const paragraphs = [prose(2, 1), prose(2, 2), prose(2, 3), prose(2, 4)].join('\n\n');
    for (const piece of shown(paragraphs, cut(paragraphs, 80, 0)).slice(0, -1))
      expect(piece).toMatch(/\.\n\n$/);
    const sentences = prose(30);
    for (const piece of shown(sentences, cut(sentences, 60, 0)).slice(0, -1)) expect(piece).toMatch(/\. $/);
    // Broken to a width: a line break is no end of a sentence.
    const wrapped = sentences.replaceAll(/ (\S+ \S+ \S+ \S+)(?= )/g, '\n$1');
    for (const piece of shown(wrapped, cut(wrapped, 60, 0)).slice(0, -1)) expect(piece).toMatch(/\.\s$/);
    const list = Array.from({ length: 60 }, (_, at) => `item ${at} of flour`).join('\n');
    for (const piece of shown(list, cut(list, 32, 0)).slice(0, -1)) expect(piece).toMatch(/ flour\n$/);
    const words = Array.from({ length: 200 }, () => 'flour').join(' ');
    for (const piece of shown(words, cut(words, 32, 0))) expect(piece).toMatch(/^(?:flour )*flour ?$/);
  });

  it('is cut between words of languages without blanks, and behind their sentences', () => {
    const japanese = '吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。'.repeat(10);
    for (const piece of shown(japanese, cut(japanese, 32, 0))) expect(piece).toMatch(/。$/);
    const thai = 'ขนมปังทำจากแป้งและยีสต์ที่หมักไว้นาน'.repeat(20);
    const thaiWords = new Set(
      [...new Intl.Segmenter('th', { granularity: 'word' }).segment(thai)].map(({ index }) => index),
    );
    for (const { end } of check(thai, 32, 8).passages.slice(0, -1)) expect(thaiWords).toContain(end);
    const chinese = '今天天气很好我们去公园散步'.repeat(30);
    const chineseWords = new Set(
      [...new Intl.Segmenter('zh', { granularity: 'word' }).segment(chinese)].map(({ index }) => index),
    );
    for (const { end } of check(chinese, 32, 8).passages.slice(0, -1)) expect(chineseWords).toContain(end);
  });

  it('has in common with the one before as many words as were asked for', () => {
    const text = Array.from({ length: 400 }, (_, at) => `w${at}`).join(' ');
    const result = cut(text, 32, 8);
    for (const piece of common(text, result)) expect(piece.trim().split(' ')).toHaveLength(8);
    // Of words of several tokens one more would be too many.
    const long = prose(60);
    for (const piece of common(long, check(long, 60, 12))) expect(count(piece)).toBeGreaterThan(12 - 4);
    expect(common(text, cut(text, 32, 0)).every((piece) => piece === '')).toBe(true);
  });

  it('is cut through a word only where that alone is too long, and never through a character', () => {
    const word = 'x'.repeat(1000);
    const text = `Some bread. ${word} and more dough.`;
    const pieces = shown(text, check(text, 32, 8));
    expect(pieces.filter((piece) => piece.includes('x')).length).toBeLessThanOrEqual(1000 / (30 * 4) + 2);
    expect(pieces.at(0)).toBe('Some bread. ');
    const families = '👩‍👩‍👧‍👦'.repeat(40);
    for (const piece of shown(families, check(families, 32, 8))) expect(piece.length % 11).toBe(0);
    // A character of more tokens than a passage has.
    const marks = `e${'\u0301'.repeat(400)}`;
    check(marks, 32, 8);
  });

  it('is left off at the passages that are allowed', () => {
    const text = prose(200);
    const all = cut(text);
    const some = cut(text, 32, 8, 5);
    expect(some.passages).toEqual(all.passages.slice(0, 5));
    expect(some.end).toBe(all.passages[4]?.end);
    expect(cut(text, 32, 8, all.passages.length).end).toBe(text.length);
  });

  it('is not cut inside of what is to stay whole', () => {
    const text = Array.from({ length: 100 }, () => 'to [EMAIL] or [CREDIT_CARD] now').join(' ');
    const whole: Stretch[] = Array.from(text.matchAll(/\[\w+\]/g), ({ 0: found, index }) => ({
      start: index,
      end: index + found.length,
    }));
    const { passages } = cutPassages(text, tokensOf(24, 6), MANY, whole);
    expect(passages.length).toBeGreaterThan(20);
    for (const { start, end } of passages)
      for (const each of whole)
        for (const at of [start, end]) expect(at <= each.start || at >= each.end).toBe(true);
  });

  it('is nearly the same behind an edit', () => {
    const fresh = (before: string, after: string): number => {
      const known = new Set(shown(before, cut(before, 64, 12)));
      return shown(after, cut(after, 64, 12)).filter((piece) => !known.has(piece)).length;
    };
    let most = 0;
    let sum = 0;
    let edits = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const paragraphs = Array.from({ length: 20 }, (_, at) => prose(5, 100 * seed + at));
      const before = paragraphs.join(seed % 2 === 0 ? '\n\n' : ' ');
      expect(cut(before, 64, 12).passages.length).toBeGreaterThan(30);
      for (const [at, word] of ['flour ', 'a whole new sentence of some words. ', ''].entries()) {
        const place = before.indexOf(' ', Math.floor(before.length * (0.2 + 0.2 * at))) + 1;
        const after = `${before.slice(0, place)}${word}${before.slice(word === '' ? before.indexOf(' ', place + 12) + 1 : place)}`;
        const found = fresh(before, after);
        most = Math.max(most, found);
        sum += found;
        edits++;
      }
    }
    expect(sum / edits).toBeLessThan(3);
    expect(most).toBeLessThan(12);
  });

  it('takes time by its length, and not by its square', () => {
    const seconds = (text: string): number => {
      // Of the processor: what else the machine does is no part of it.
      const before = process.cpuUsage();
      cut(text, 64, 12);
      return process.cpuUsage(before).user / 1e6;
    };
    const units = [
      prose(400),
      'flour '.repeat(4000),
      'x'.repeat(20_000),
      '\n \n'.repeat(6000),
      '日本語'.repeat(6000),
    ];
    for (const unit of units) {
      seconds(unit);
      const [short, long] = [seconds(unit), seconds(unit.repeat(8))];
      expect(long, unit.slice(0, 20)).toBeLessThan(8 * 3 * short + 0.2);
    }
  });
});
