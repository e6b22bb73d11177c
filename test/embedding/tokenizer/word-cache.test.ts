/** Word by word, the tokens are those of the whole text. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTokenizerFile } from '../../../src/embedding/tokenizer/file.ts';
import { Tokenizer } from '../../../src/embedding/tokenizer/tokenizer.ts';
import { WordCache, isWordwise } from '../../../src/embedding/tokenizer/word-cache.ts';
import { articles } from '../../../src/demo/articles.ts';
import { splitWords, tokenizerJson } from '../../../src/training/word-tokenizer.ts';

describe('tokens by words', () => {
  const words = articles().flatMap(({ title, body }) => splitWords(`${title} ${body ?? ''}`));
  const file = parseTokenizerFile(tokenizerJson([...new Set(words)]));
  // A step that does nothing: the same tokenizer, but no longer one that goes word by word.
  const whole = new Tokenizer({
    ...file,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'BertPreTokenizer' }] },
  });
  const byWords = new Tokenizer(file);
  const encode = (text: string): number[] => whole.encode(text);

  it('are taken for tokenizers of the kind of BERT, and for no others', () => {
    expect(isWordwise(file)).toBe(true);
    expect(isWordwise({ ...file, pre_tokenizer: { type: 'WhitespaceSplit' } })).toBe(false);
    expect(isWordwise({ ...file, normalizer: null })).toBe(false);
    expect(isWordwise({ ...file, model: { type: 'WordLevel', unk_token: 'a', vocab: { a: 0 } } })).toBe(
      false,
    );
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
    const twoWords = [{ id: 9, content: 'two words', ...flags }];
    expect(isWordwise({ ...file, added_tokens: twoWords })).toBe(false);
  });

  it('are the tokens of the whole text, of every article of the sample', () => {
    for (let round = 0; round < 2; round++)
      for (const { title, body } of articles()) {
        const text = `${title}\n${body ?? ''}`;
        expect(byWords.encode(text)).toEqual(encode(text));
      }
  });

  it('are the tokens of the whole text, whatever it is made of', () => {
    const words = fc.constantFrom(
      'bread',
      'Dough',
      'YEAST!',
      'café',
      'cafe\u0301',
      '\u0301',
      'ΣΑΣ',
      "ΣΑ'Σ",
      'İstanbul',
      '漢字kanji',
      '한국어',
      '😀😀',
      'a\u200db',

      '[SEP]',
      '[UNK]',
      'x[CLS]y',
      '[PAD',
      '##ing',
      '\u0000',
      '\ufffd',
      '\ud800',
      '\u00a0',
      '\u2028',
      '\u3000',
      '\u0085',
      '\ufeff',
      "don't",
      'e-mail',
      '3.14',
      '…',
      'ﬁne',
      'ǅ',
      'x'.repeat(101),
      'y'.repeat(41),
    );
    const blanks = fc.constantFrom(' ', '  ', '\n', '\r\n', '\t', '', '\u00a0', '\u000b');
    const composed = fc
      .array(fc.tuple(fc.oneof(words, fc.string({ unit: 'binary' })), blanks))
      .map((parts) => parts.flat().join(''));
    fc.assert(
      fc.property(composed, (text) => {
        expect(byWords.encode(text)).toEqual(encode(text));
        expect(byWords.encode(text)).toEqual(encode(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('need a bounded memory, however many words there are', () => {
    let asked = 0;
    const memo = new WordCache(() => {
      asked++;
      return [7];
    });
    for (let word = 0; word < 300_000; word++) memo.encode(`w${word}`);
    expect(asked).toBe(300_000);
    memo.encode('w299999');
    expect(asked).toBe(300_000);
    memo.encode('w0');
    expect(asked).toBe(300_001);
    memo.encode(`${'long'.repeat(20)} ${'long'.repeat(20)}`);
    expect(asked).toBe(300_003);
  });

  it('stay those of their word as more and more are kept, whatever the words and however many their tokens', () => {
    const tokensOf = (word: string): number[] => Array.from(word, (_, at) => word.charCodeAt(at));
    const memo = new WordCache(tokensOf);
    const word = (number: number): string => `${number.toString(36)}${'ζ'.repeat(number % 7)}`;
    const text = Array.from({ length: 40_000 }, (_, number) => word(number)).join(' ');
    const tokens = tokensOf(text).filter((unit) => unit !== 32);
    expect(memo.encode(text)).toEqual(tokens);
    expect(memo.encode(text)).toEqual(tokens);
  });
});
