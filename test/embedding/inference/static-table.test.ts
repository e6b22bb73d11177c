/** Static models straight from their folder, against what Model2Vec and sentence-transformers document. */

import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { articles } from '../../../src/demo/articles.ts';
import { LocalModel } from '../../../src/embedding/inference/local-model.ts';
import { locateModel, type ModelOptions } from '../../../src/embedding/model-files/files.ts';
import { trainModel } from '../../../src/training/train.ts';
import { tokenizerJson } from '../../../src/training/word-tokenizer.ts';
import { writeModel } from '../../../src/training/write.ts';
import { modelOptionsOf } from '../../setup/model.ts';
import {
  model2Vec,
  safetensors,
  staticEmbedding,
  writeFiles,
  type Dtype,
  type TensorToWrite,
} from '../../setup/static-model.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-static-'));
});
afterEach(() => rm(root, { recursive: true }));

const DIMENSIONS = 3;
const TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'red', 'wood', '##en', 'bread', 'sourdoughstarter', 'x'];
const idOf = (token: string): number => TOKENS.indexOf(token);
const special = (content: string): object => ({
  id: idOf(content),
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});
const withFrame = {
  version: '1.0',
  added_tokens: TOKENS.slice(0, 4).map(special),
  // Which no static model uses.
  post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
};
const vocab = Object.fromEntries(TOKENS.map((token, id) => [token, id]));
const WORD_PIECE = {
  ...withFrame,
  pre_tokenizer: { type: 'Whitespace' },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab,
  },
};
const UNIGRAM = {
  ...withFrame,
  pre_tokenizer: { type: 'Whitespace' },
  model: { type: 'Unigram', unk_id: 1, vocab: TOKENS.map((token) => [token, token === '[UNK]' ? -20 : -2]) },
};
const LETTERS = ['[UNK]', 'r', 'e', 'd', 'x', 're', 'red'];
const BPE = {
  version: '1.0',
  pre_tokenizer: { type: 'Whitespace' },
  model: {
    type: 'BPE',
    unk_token: '[UNK]',
    vocab: Object.fromEntries(LETTERS.map((token, id) => [token, id])),
    merges: ['r e', 're d'],
  },
};

/** Halves and quarters, which two bytes hold exactly; whole numbers for one byte. */
const numbers = (rows: number, whole = false): number[] =>
  Array.from(
    { length: rows * DIMENSIONS },
    (_, at) => ((((at * 7) % 11) - 5) * (whole ? 8 : 1)) / (whole ? 1 : 4),
  );
const matrix = (rows: number, dtype: Dtype = 'F32'): TensorToWrite => ({
  dtype,
  shape: [rows, DIMENSIONS],
  data: numbers(rows, dtype === 'I8'),
});

interface Table {
  data: ArrayLike<number>;
  weights?: readonly number[];
  mapping?: readonly number[];
}
/** The mean of the rows of tokens, each times its weight, to unit length. */
function meanOf(ids: readonly number[], { data, weights, mapping }: Table, normalize = true): number[] {
  const sum = Array.from({ length: DIMENSIONS }, (_, column) =>
    ids
      .map((id) => (data[(mapping?.[id] ?? id) * DIMENSIONS + column] ?? NaN) * (weights?.[id] ?? 1))
      .reduce((a, b) => a + b / ids.length, 0),
  );
  const length = normalize ? Math.hypot(...sum) : 1;
  return sum.map((value) => value / length);
}

const optionsOf = (name: string, more: Partial<ModelOptions> = {}): ModelOptions => ({
  ...modelOptionsOf({ name, localPath: root }),
  maxTokens: 512,
  ...more,
});
const load = (more: Partial<ModelOptions> = {}, name = 'm'): Promise<LocalModel> =>
  LocalModel.load({
    type: 'load',
    options: optionsOf(name, more),
    location: locateModel({ name, localPath: root }),
    intraOpThreads: 1,
  });
const write = (files: Record<string, string | Buffer | object>): Promise<void> =>
  writeFiles(join(root, 'm'), files);

async function vectorsOf(texts: readonly string[], more: Partial<ModelOptions> = {}): Promise<number[][]> {
  const model = await load(more);
  expect(model.isLookUp).toBe(true);
  const { vectors } = await model.embed(texts, 'document');
  const width = vectors.length / texts.length;
  return texts.map((_, at) => [...vectors.subarray(at * width, (at + 1) * width)]);
}
function expectClose(found: readonly number[] | undefined, wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  for (const [at, value] of wanted.entries()) expect(found?.[at]).toBeCloseTo(value, 6);
}

describe('a folder of Model2Vec', () => {
  it.each<[string, object, number, string, number[]]>([
    ['WordPiece, without what is unknown', WORD_PIECE, TOKENS.length, 'red zzz wooden', [4, 5, 6]],
    ['Unigram, with what is unknown', UNIGRAM, TOKENS.length, 'red z bread', [4, 1, 7]],
    ['BPE, without what is unknown', BPE, LETTERS.length, 'redx q re', [6, 4, 5]],
  ])('has means of the tokens of %s, without their frame', async (_, tokenizer, rows, text, ids) => {
    await write(model2Vec(tokenizer, { embeddings: matrix(rows) }));
    const [found] = await vectorsOf([text]);
    expectClose(found, meanOf(ids, matrix(rows)));
  });

  it.each<Dtype>(['F64', 'F32', 'F16', 'BF16', 'I8'])('of %s', async (dtype) => {
    await write(model2Vec(WORD_PIECE, { embeddings: matrix(TOKENS.length, dtype) }, { normalize: false }));
    const [found] = await vectorsOf(['red bread bread'], { normalize: false });
    expectClose(found, meanOf([4, 7, 7], matrix(TOKENS.length, dtype), false));
  });

  it.each<[Dtype, Dtype]>([
    ['F64', 'I64'],
    ['F32', 'I32'],
    ['F16', 'I64'],
  ])('with weights (%s) and fewer rows than tokens (%s)', async (float, integer) => {
    const weights = TOKENS.map((_, id) => (id + 1) / 4);
    const mapping = TOKENS.map((_, id) => id % 4);
    const own = {
      embeddings: matrix(4),
      weights: { dtype: float, shape: [TOKENS.length], data: weights },
      mapping: { dtype: integer, shape: [TOKENS.length], data: mapping },
    };
    await write(model2Vec(WORD_PIECE, own));
    const [found] = await vectorsOf(['red bread wood']);
    expectClose(found, meanOf([4, 7, 5], { data: numbers(4), weights, mapping }));
  });

  it('reads as many characters as its longest text has tokens of median length, and as many tokens', async () => {
    await write(model2Vec(WORD_PIECE, { embeddings: matrix(TOKENS.length) }));
    // Lengths of the tokens: 5 5 5 5 3 4 4 5 16 1, the median 5. Of two tokens: ten characters.
    const texts = ['red sourdoughstarter', '𠮷𠮷𠮷𠮷𠮷 red bread', 'x x x', 'zz x zz red', 'red x'];
    const model = await load({ maxTokens: 2 });
    const { vectors, truncated, tokens } = await model.embed(texts, 'document');
    const wanted = [[4], [4], [9, 9], [9], [4, 9]];
    for (const [at, ids] of wanted.entries())
      expectClose([...vectors.subarray(at * 3, at * 3 + 3)], meanOf(ids, matrix(TOKENS.length)));
    expect([...truncated]).toEqual([1, 1, 1, 1, 0]);
    expect([...tokens]).toEqual([1, 1, 2, 1, 2]);
    const { faults } = await (await load({ maxTokens: 2, longText: 'skip' })).embed(texts, 'document');
    expect([...faults]).toEqual([5, 5, 5, 5, 0]);
    // In chunks nothing is left out.
    const chunks = { longText: 'mean-of-chunks' as const, chunkOverlap: 0, maxTokens: 4 };
    const whole = await (await load(chunks)).embed(['sourdoughstarter sourdoughstarter red'], 'document');
    expectClose([...whole.vectors], meanOf([8, 8, 4], matrix(TOKENS.length)));
  });

  it('has no vector of a text without a word that it knows', async () => {
    await write(model2Vec(WORD_PIECE, { embeddings: matrix(TOKENS.length) }));
    const { faults } = await (await load()).embed(['zzz', '', '[PAD]', 'red'], 'document');
    expect([...faults]).toEqual([1, 1, 1, 0]);
  });

  it('that is made of a trained model has the vectors of its graph', async () => {
    const texts = articles().map(({ title, body }) => `${title}\n${body}`);
    const trained = await trainModel(texts, { dimensions: 32, seed: 1 });
    await writeModel(join(root, 'graph'), trained);
    const { rows, columns, data } = trained.table;
    const tensors = { embeddings: { dtype: 'F32', shape: [rows, columns], data } } as const;
    await write(model2Vec(tokenizerJson(trained.words), tensors));
    const [own, graph] = [await load(), await load({}, 'graph')];
    const [one, other] = [await own.embed(texts, 'query'), await graph.embed(texts, 'query')];
    for (let text = 0; text < texts.length; text++) {
      let cosine = 0;
      for (let at = text * columns; at < (text + 1) * columns; at++)
        cosine += (one.vectors[at] ?? 0) * (other.vectors[at] ?? 0);
      // Marks around a text, and words that are unknown, have a row there, which is next to nothing.
      expect(cosine).toBeGreaterThan(0.9999);
    }
  });
});

describe('a folder of sentence-transformers', () => {
  it('has means of all tokens, of texts of any length', async () => {
    await write(staticEmbedding(WORD_PIECE, matrix(TOKENS.length + 2), false));
    const long = Array.from({ length: 3000 }, () => 'red sourdoughstarter').join(' ');
    const found = await vectorsOf(['red zzz wooden', long], { maxTokens: 8192, normalize: false });
    expectClose(found[0], meanOf([4, 1, 5, 6], matrix(TOKENS.length), false));
    expectClose(found[1], meanOf([4, 8], matrix(TOKENS.length), false));
  });
});

describe('what cannot be used is said by name', () => {
  const good = model2Vec(WORD_PIECE, { embeddings: matrix(TOKENS.length) });
  const column = (dtype: Dtype, data: number[]): TensorToWrite => ({ dtype, shape: [data.length], data });
  const all = TOKENS.map(() => 1);
  it.each<[string, Record<string, TensorToWrite>]>([
    ['has embeddings as U8, not as F32, F16, BF16, F64 or I8', { embeddings: matrix(TOKENS.length, 'U8') }],
    ['has no tensor embeddings or embedding.weight, but other', { other: matrix(TOKENS.length) }],
    ['has 8 vectors in embeddings, and its tokenizer has 10 tokens', { embeddings: matrix(8) }],
    ['has 12 vectors in embeddings, and its tokenizer has 10 tokens', { embeddings: matrix(12) }],
    ['has no matrix in embeddings', { embeddings: column('F32', [1, 2, 3]) }],
    [
      'maps a token to vector 4 of 4',
      { embeddings: matrix(4), mapping: column('I64', [...all.slice(1), 4]) },
    ],
    ['has 1 numbers in mapping', { embeddings: matrix(4), mapping: column('I64', [1]) }],
    ['has 2 numbers in weights', { embeddings: matrix(10), weights: column('F32', [1, 2]) }],
    ['has mapping as F32, not as I32 or I64', { embeddings: matrix(4), mapping: column('F32', all) }],
  ])('%s', async (words, tensors) => {
    const own = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [
        name,
        tensor.dtype === 'U8' ? { ...tensor, data: all } : tensor,
      ]),
    );
    await write({ ...good, 'model.safetensors': safetensors(own) });
    await expect(load()).rejects.toThrow(words);
  });

  it('a file that ends early, one that is none, and a pooling that it cannot have', async () => {
    await write(good);
    await expect(load({ pooling: 'cls' })).rejects.toThrow('it is a static model (config.json)');
    await truncate(join(root, 'm', 'model.safetensors'), 200);
    await expect(load()).rejects.toThrow('is damaged: embeddings ends elsewhere');
    await truncate(join(root, 'm', 'model.safetensors'), 3);
    await expect(load()).rejects.toThrow('is no safetensors file');
  });
});
