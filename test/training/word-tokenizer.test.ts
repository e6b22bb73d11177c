import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { stemOf } from '../../src/training/stem.ts';
import { parseTokenizerFile } from '../../src/embedding/tokenizer/file.ts';
import { Tokenizer } from '../../src/embedding/tokenizer/tokenizer.ts';
import { MAX_TOKENS, SPECIAL_TOKENS, splitWords, tokenizerJson } from '../../src/training/word-tokenizer.ts';

const [, UNKNOWN, CLS, SEP] = SPECIAL_TOKENS.keys();

function runTimeIds(words: readonly string[], text: string): number[] {
  const tokenizer = new Tokenizer(parseTokenizerFile(tokenizerJson(words)));
  return [...tokenizer.frame.before, ...tokenizer.encode(text), ...tokenizer.frame.behind];
}

/** What the run-time tokenizer must give where every word of the text is in the vocabulary. */
function expectSame(text: string): void {
  const words = splitWords(text);
  const vocabulary = [...new Set(words)];
  const ids = words.map((word) =>
    Array.from(word).length > 100 ? UNKNOWN : SPECIAL_TOKENS.length + vocabulary.indexOf(word),
  );
  expect(runTimeIds(vocabulary, text)).toEqual([CLS, ...ids, SEP]);
}

test.each([
  'Straße, ÉCOLE naïve – Ærø!',
  "don't re-use e-mail: it's 3.14% (A&B) <tag> $5 `x` ~y^z_w",
  'tabs\tand\r\nnew\nlines\u00A0and\u2003wide\u3000spaces',
  '漢字とkana混じり 한국어 𠀀𠀁',
  'zero\u200Bwidth \uFEFFmark soft\u00ADhyphen nul\0inside \uFFFD lone\uD800half',
  'ΟΔΥΣΣΕΥΣ Σ İstanbul ﬁne Å Å',
  `${'x'.repeat(101)} ${'y'.repeat(100)}`,
  '👩‍👩‍👧 emoji 🚲',
  '',
])('splits %j as the run-time tokenizer does', (text) => expectSame(text));

test('splits any text as the run-time tokenizer does', () => {
  const unit = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.constantFrom(' ', 'Word', 'É', '.', '\uD83D', '\u0300', 'Σ', '\t', '##', '中'),
  );
  fc.assert(
    fc.property(
      fc.array(unit, { maxLength: 12 }).map((parts) => parts.join('')),
      (text) => expectSame(text),
    ),
    { numRuns: 500 },
  );
});

test('special tokens in a text are no words', () => {
  expect(splitWords('before[SEP]after [UNK]')).toEqual(['before', 'after']);
});

test('a word outside the vocabulary is one unknown token, whatever its beginning', () => {
  expect(runTimeIds(['bi', 'bike'], 'bikes bike')).toEqual([CLS, UNKNOWN, 5, SEP]);
});

test('counts no more words than reach the model', () => {
  const text = 'word '.repeat(3 * MAX_TOKENS);
  expect(splitWords(text)).toHaveLength(MAX_TOKENS - 2);
  expect(splitWords('a '.repeat(10_000_000))).toHaveLength(MAX_TOKENS - 2);
});

test.each([
  ['brake', 'brakes', 'braking', 'braked'],
  ['stop', 'stops', 'stopping', 'stopped'],
  ['pull', 'pulls', 'pulling', 'pulled'],
  ['battery', 'batteries'],
  ['add', 'adding', 'added'],
])('forms of %s are one family', (word, ...forms) => {
  expect(forms.map(stemOf)).toEqual(forms.map(() => stemOf(word)));
});

test.each([
  ['string', 'str'],
  ['bus', 'bu'],
  ['analysis', 'analysi'],
  ['summer', 'sum'],
  ['class', 'clas'],
])('%s and %s are not', (left, right) => {
  expect(stemOf(left)).not.toBe(stemOf(right));
});
