/** Word by word, the tokens are those of the library's tokenizer over the whole text. */

import { AutoTokenizer, env } from '@xenova/transformers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LoadedTokenizer } from '../../src/embedding/text-tokens.ts';
import { WordMemo, isWordwise } from '../../src/embedding/word-memo.ts';
import { articles } from '../../src/sample/articles.ts';
import { sampleModel } from '../setup/model.ts';

describe('tokens by words', () => {
  const model = sampleModel();
  let tokenizer: LoadedTokenizer;
  const encode = (text: string): number[] => tokenizer.encode(text, null, { add_special_tokens: false });
  beforeAll(async () => {
    env.localModelPath = model.localPath;
    env.allowRemoteModels = false;
    tokenizer = (await AutoTokenizer.from_pretrained(model.name)) as LoadedTokenizer;
  });

  it('are taken for tokenizers of the kind of BERT, and for no others', () => {
    expect(isWordwise(tokenizer)).toBe(true);
    const { normalizer, pre_tokenizer, model: wordPiece } = tokenizer;
    const parts = { normalizer, pre_tokenizer, model: wordPiece };
    expect(isWordwise(parts)).toBe(true);
    for (const change of [
      { normalizer: null },
      { normalizer: [] },
      { pre_tokenizer: [] },
      { model: { config: { type: 'BPE' } } },
      { model: { config: { type: 'WordPiece', fuse_unk: true } } },
      { added_tokens: [{ content: 'two words' }] },
      { remove_space: true },
    ])
      expect(isWordwise({ ...parts, ...change })).toBe(false);
  });

  it('are the tokens of the whole text, of every article of the sample', () => {
    const memo = new WordMemo(encode);
    for (let round = 0; round < 2; round++)
      for (const { title, body } of articles()) {
        const text = `${title}\n${body ?? ''}`;
        expect(memo.encode(text)).toEqual(encode(text));
      }
  });

  it('are the tokens of the whole text, whatever it is made of', () => {
    const memo = new WordMemo(encode);
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
        expect(memo.encode(text)).toEqual(encode(text));
        expect(memo.encode(text)).toEqual(encode(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('need a bounded memory, however many words there are', () => {
    let asked = 0;
    const memo = new WordMemo(() => {
      asked++;
      return [7];
    });
    for (let word = 0; word < 250_000; word++) memo.encode(`w${word}`);
    expect(asked).toBe(250_000);
    memo.encode('w249999');
    expect(asked).toBe(250_000);
    memo.encode('w0');
    expect(asked).toBe(250_001);
    memo.encode(`${'long'.repeat(20)} ${'long'.repeat(20)}`);
    expect(asked).toBe(250_003);
  });
});
