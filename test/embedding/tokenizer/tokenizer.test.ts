/** Each part of a tokenizer.json by its definition, worked out by hand or by the slow and plain way. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextTokenizer } from '../../../src/embedding/tokenizer/text-tokens.ts';
import type { NormalizerPart, PreTokenizerPart } from '../../../src/embedding/tokenizer/file-schema.ts';
import { parseTokenizerFile, type TokenizerFile } from '../../../src/embedding/tokenizer/file.ts';
import { specialTokensOf } from '../../../src/embedding/tokenizer/special-tokens.ts';
import { normalizer } from '../../../src/embedding/tokenizer/text/normalizers.ts';
import { preTokenizer } from '../../../src/embedding/tokenizer/text/pre-tokenizers.ts';
import { Tokenizer } from '../../../src/embedding/tokenizer/tokenizer.ts';
import { modelOptionsOf } from '../../setup/model.ts';
import { charsMap } from '../../setup/chars-map.ts';

const bert = { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true } as const;
const uncased = { ...bert, strip_accents: null, lowercase: true };

describe('normalizers', () => {
  it.each<[NormalizerPart, text: string, normal: string]>([
    [uncased, 'Élan\tvital\u0007', 'elan vital'],
    // Marks of every script, and Han beyond the first plane.
    [uncased, 'हिन्दी कु שָׁלוֹם ゴパ ☂\ufe0f', 'हिनदी क שלום コハ ☂'],
    [uncased, '吉\u{20bb7}野', ' 吉  \u{20bb7}  野 '],
    [uncased, 'ΟΔΥΣΣΕΥΣ İ', 'οδυσσευσ i'],
    // A mark that came after the tables of the reference stays, and holds the order of those around it.
    [uncased, 'a\u1ac1', 'a\u1ac1'],
    [{ ...bert, strip_accents: false, lowercase: false }, 'Élan', 'Élan'],
    [{ ...bert, strip_accents: null, lowercase: false }, 'Élan', 'Élan'],
    [{ ...bert, strip_accents: true, lowercase: false }, 'Élan', 'Elan'],
    [{ type: 'NFKC' }, 'ﬁ①', 'fi1'],
    [{ type: 'NFKC' }, '\u32ff', '\u32ff'],
    [{ type: 'NFD' }, 'é', 'e\u0301'],
    [{ type: 'StripAccents' }, 'e\u0301a\u0903', 'ea'],
    [{ type: 'Lowercase' }, 'ΣΑΣ', 'σασ'],
    [{ type: 'Nmt' }, 'a\u200bb\u0001c\ufeff', 'a bc '],
    [{ type: 'Strip', strip_left: true, strip_right: false }, '\u0085 a ', 'a '],
    [{ type: 'Strip', strip_left: false, strip_right: true }, ' a\u3000\ufeff \u2028', ' a\u3000\ufeff'],
    [{ type: 'Prepend', prepend: '▁' }, 'a', '▁a'],
    [{ type: 'Prepend', prepend: '▁' }, '', ''],
    [{ type: 'Replace', pattern: { String: '.' }, content: '$&' }, 'a.b', 'a$&b'],
    [{ type: 'Replace', pattern: { Regex: ' {2,}' }, content: '▁' }, 'a   b c', 'a▁b c'],
    [{ type: 'ByteLevel' }, 'é ', 'Ã©Ġ'],
    [{ type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'StripAccents' }] }, 'é', 'e'],
  ])('%j of %j', (part, text, normal) => expect(normalizer(part)(text)).toBe(normal));

  it('by a precompiled map: a short grapheme as the shortest entry that it begins with, a long one bit by bit', () => {
    const map = charsMap({ ﬁ: 'fi', '\u0301': '', a: 'A', 'e\u0301': 'É', '\t': ' ' });
    const normalize = normalizer({ type: 'Precompiled', precompiled_charsmap: map });
    expect(normalize('ﬁ\tb e\u0301')).toBe('fi b É');
    expect(normalize('a\u0301b')).toBe('Ab');
    expect(normalize('a\u0301\u0327\u0323')).toBe('A\u0327\u0323');
  });
});

describe('pre-tokenizers', () => {
  const of = (part: PreTokenizerPart, text: string, first = true): string[] =>
    preTokenizer(part)({ text, first }).map((piece) => piece.text);
  const metaspace = { type: 'Metaspace', replacement: '▁' } as const;
  const regex = (Regex: string) => ({ type: 'Split', pattern: { Regex }, invert: false }) as const;
  const QWEN = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
  it.each<[PreTokenizerPart, text: string, pieces: string[]]>([
    [{ type: 'BertPreTokenizer' }, 'a$b  c.\u0085d', ['a', '$', 'b', 'c', '.', 'd']],
    [{ type: 'Whitespace' }, "it's_1 ½", ['it', "'", 's_1', '½']],
    [{ type: 'WhitespaceSplit' }, 'a\u0085b\ufeffc', ['a', 'b\ufeffc']],
    [{ type: 'Punctuation' }, 'a!!b', ['a', '!', '!', 'b']],
    [{ type: 'Punctuation', behavior: 'Contiguous' }, 'a!!b', ['a', '!!', 'b']],
    [{ type: 'Digits', individual_digits: false }, 'a12½', ['a', '12½']],
    [{ type: 'Digits', individual_digits: true }, 'a12', ['a', '1', '2']],
    [{ type: 'CharDelimiterSplit', delimiter: '-' }, 'a--b', ['a', 'b']],
    // As written since 2024, and before.
    [{ ...metaspace, prepend_scheme: 'always', split: true }, 'a  b', ['▁a', '▁', '▁b']],
    [{ ...metaspace, prepend_scheme: 'never', split: false }, 'a b', ['a▁b']],
    [{ ...metaspace, add_prefix_space: false }, 'a', ['a']],
    [{ ...metaspace, add_prefix_space: true, str_rep: '▁' }, ' a', ['▁a']],
    [{ type: 'ByteLevel', add_prefix_space: false }, "we'll é  b", ['we', "'ll", 'ĠÃ©', 'Ġ', 'Ġb']],
    [{ type: 'ByteLevel', add_prefix_space: true, use_regex: false }, 'a b', ['ĠaĠb']],
    [{ ...regex('-'), behavior: 'Removed' }, '-a--b', ['a', 'b']],
    [{ ...regex('-'), behavior: 'Isolated' }, '-a--b', ['-', 'a', '-', '-', 'b']],
    [{ ...regex('-'), behavior: 'MergedWithPrevious' }, '-a--b', ['-', 'a-', '-', 'b']],
    [{ ...regex('-'), behavior: 'MergedWithNext' }, '-a--b', ['-a', '-', '-b']],
    [{ ...regex('-'), behavior: 'Contiguous' }, '-a--b', ['-', 'a', '--', 'b']],
    [{ ...regex('-'), behavior: 'Removed', invert: true }, '-a--b', ['-', '-', '-']],
    [{ ...regex(QWEN), behavior: 'Isolated' }, "We'LL x12 \n", ['We', "'LL", ' x', '1', '2', ' \n']],
    [{ ...regex('a?+a|b'), behavior: 'Removed' }, 'ab', ['a']],
    [
      {
        type: 'Sequence',
        pretokenizers: [{ type: 'WhitespaceSplit' }, { ...metaspace, prepend_scheme: 'first' }],
      },
      'a b',
      ['▁a', 'b'],
    ],
  ])('%j of %j', (part, text, pieces) => expect(of(part, text)).toEqual(pieces));

  it('put the blank of scheme `first` before the beginning of the text alone', () => {
    expect(of({ ...metaspace, prepend_scheme: 'first' }, 'a', false)).toEqual(['a']);
  });
});

/** Words of the alphabet's letters, one token each. */
const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
const file: TokenizerFile = {
  model: { type: 'WordLevel', unk_token: '?', vocab: { '?': 0, a: 1, b: 2, '<s>': 3, '</s>': 4, foo: 5 } },
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: { type: 'RobertaProcessing', cls: ['<s>', 3], sep: ['</s>', 4], trim_offsets: true, add_prefix_space: false }, // prettier-ignore
};

describe('added tokens', () => {
  const ids = (token: object, text: string, normal: NormalizerPart | null = null): number[] =>
    new Tokenizer({
      ...file,
      normalizer: normal,
      added_tokens: [{ id: 9, content: '', ...flags, ...token }],
    }).encode(text);
  it.each<[token: object, text: string, ids: number[], normal?: NormalizerPart]>([
    [{ content: 'foo' }, 'afoob', [1, 5, 2]],
    [{ content: 'new' }, 'anewb', [1, 6, 2]],
    [{ content: 'new', single_word: true }, 'anewb new', [0, 6]],
    [{ content: 'NEW' }, 'NEW new', [6, 0], { type: 'Lowercase' }],
    [{ content: 'NEW', normalized: true }, 'NEW new', [6, 6], { type: 'Lowercase' }],
    [{ content: '\n' }, 'a \n b', [1, 6, 2]],
  ])('%j in %j', (token, text, expected, normal) =>
    expect(ids(token, text, normal ?? null)).toEqual(expected),
  );

  it('take the blanks before and behind with them', () => {
    const token = { id: 9, content: 'x', ...flags };
    const encode = (change: object): number[] =>
      new Tokenizer({
        ...file,
        pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'Isolated', invert: false },
        added_tokens: [{ ...token, ...change }],
      }).encode('a x b');
    expect(encode({})).toEqual([1, 0, 6, 0, 2]);
    expect(encode({ lstrip: true })).toEqual([1, 6, 0, 2]);
    expect(encode({ rstrip: true })).toEqual([1, 0, 6, 2]);
  });
});

describe('a text that is longer than the model reads', () => {
  const options = { ...modelOptionsOf({ name: '', localPath: '' }), maxTokens: 6 };
  const settings = {
    maxTokens: undefined,
    padding: 0,
    paddingSide: 'right',
    end: undefined,
    truncation: 'right',
  } as const;

  it('is cut inside of its frame, at the end or at the beginning', () => {
    const right = new TextTokenizer(new Tokenizer(file), settings, options);
    const left = new TextTokenizer(new Tokenizer(file), { ...settings, truncation: 'left' }, options);
    for (const as of ['document', 'query'] as const) {
      expect(right.tokens('a a a a b b', as)).toMatchObject({ units: [[3, 1, 1, 1, 1, 4]], truncated: true });
      expect(left.tokens('a a a a b b', as)).toMatchObject({ units: [[3, 1, 1, 2, 2, 4]], truncated: true });
      expect(right.tokens('a b a b', as)).toMatchObject({ units: [[3, 1, 2, 1, 2, 4]], truncated: false });
    }
    expect(right.tokens('', 'document')).toMatchObject({ units: [[3, 4]], unknown: true });
    expect(right.count('a a a a b b')).toBe(8);
  });

  it('has the end token that its model wants behind it, once', () => {
    const tokens = (end: number): TextTokenizer =>
      new TextTokenizer(new Tokenizer(file), { ...settings, end }, options);
    expect(tokens(9).tokens('a b', 'document').units).toEqual([[3, 1, 2, 4, 9]]);
    expect(tokens(9).tokens('a a a a b b', 'query').units).toEqual([[3, 1, 1, 1, 4, 9]]);
    expect(tokens(4).tokens('a b', 'document').units).toEqual([[3, 1, 2, 4]]);
  });

  it.each<[name: string, change: Partial<TokenizerFile>]>([
    ['by words', {}],
    ['by bytes', { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false } }],
    ['in one piece', { pre_tokenizer: { type: 'Metaspace', replacement: '▁', split: false } }],
  ])('has the tokens of the whole text, %s', (_, change) => {
    const vocab: [string, number][] = ['?', 'a', 'b', '▁', '▁a', 'ab', 'Ġ', 'Ġa', 'aa'].map((token, at) => [
      token,
      -at,
    ]);
    const tokenizer = new Tokenizer({ ...file, model: { type: 'Unigram', unk_id: 0, vocab }, ...change });
    const tokens = new TextTokenizer(tokenizer, settings, options);
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '😀'), minLength: 20, maxLength: 120 });
    fc.assert(
      fc.property(text, (each) => {
        const whole = tokenizer.encode(each);
        expect(tokens.tokens(each, 'document').units[0]?.slice(1, -1)).toEqual(whole.slice(0, 4));
        const chunked = new TextTokenizer(tokenizer, settings, { ...options, longText: 'mean-of-chunks', chunkOverlap: 0 }); // prettier-ignore
        expect(chunked.tokens(each, 'document').units.flatMap((unit) => unit.slice(1, -1))).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('has half a character where there is half a pair', () => {
    expect(new Tokenizer(file).encode('a \ud800 b')).toEqual(new Tokenizer(file).encode('a \ufffd b'));
  });
});

describe('frames', () => {
  const template = (single: unknown[]) =>
    parseTokenizerFile({
      ...file,
      post_processor: {
        type: 'Sequence',
        processors: [
          { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
          { type: 'TemplateProcessing', single, pair: [], special_tokens: { x: { id: 'x', ids: [7, 8], tokens: ['x', 'y'] } } }, // prettier-ignore
        ],
      },
    }).post_processor;
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const mark = { SpecialToken: { id: 'x', type_id: 0 } };

  it('are what stands around the text', () => {
    expect(specialTokensOf(template([mark, text]))).toEqual({ before: [7, 8], behind: [] });
    expect(specialTokensOf(template([text, mark, mark]))).toEqual({ before: [], behind: [7, 8, 7, 8] });
    expect(specialTokensOf(null)).toEqual({ before: [], behind: [] });
    expect(() => specialTokensOf(template([mark]))).toThrow('without exactly one Sequence A');
  });
});

describe('what is not known', () => {
  const model = { type: 'BPE', vocab: {}, merges: [] };
  it.each<[content: object, message: string]>([
    [{ normalizer: { type: 'Nmt2' } }, 'normalizer.type "Nmt2", which is not supported'],
    [{ normalizer: { type: 'NFC', form: 1 } }, 'normalizer.form, which is not supported'],
    [
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'X' }] } },
      'normalizer.normalizers[0].type "X", which',
    ],
    [
      { pre_tokenizer: { type: 'UnicodeScripts' } },
      'pre_tokenizer.type "UnicodeScripts", which is not supported',
    ],
    [{ pre_tokenizer: { type: 'Digits' } }, 'no pre_tokenizer.individual_digits'],
    [{ pre_tokenizer: { type: 'Metaspace', replacement: '_', prepend_scheme: 'last' } }, 'pre_tokenizer.prepend_scheme "last"'], // prettier-ignore
    [{ pre_tokenizer: { type: 'Metaspace', replacement: '_', add_prefix_space: false, prepend_scheme: 'first' } }, 'contradict'], // prettier-ignore
    [{ post_processor: { type: 'Other' } }, 'post_processor.type "Other", which is not supported'],
    [{ model: { ...model, dropout: 0.1 } }, 'model.dropout 0.1, which is not supported'],
    [{ model: { ...model, subword_noise: true } }, 'model.subword_noise, which is not supported'],
    [{ model: { ...model, type: 'Lattice' } }, 'model.type "Lattice", which is not supported'],
    [
      { added_tokens: [{ id: 1, content: 'a', ...flags, greedy: true }] },
      'added_tokens[0].greedy, which is not',
    ],
    [{ segmenter: {} }, 'segmenter, which is not supported'],
  ])('is refused by name: %j', (content, message) => {
    expect(() => parseTokenizerFile({ model, ...content })).toThrow(message);
  });

  it.each(['(?<n>a)', 'a\\b', '[a&&b]', '[[:alpha:]]', '\\G', '(?m:a)', '\\p{Nothing}', 'a**', '(a'])(
    'is refused in a regular expression: %s',
    (Regex) => {
      const part = { type: 'Replace', pattern: { Regex }, content: '' } as const;
      expect(() => normalizer(part)).toThrow('regular expression');
    },
  );
});
