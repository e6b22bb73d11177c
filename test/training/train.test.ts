import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { articles } from '../../src/demo/articles.ts';
import { trainModel, type TrainedModel } from '../../src/training/train.ts';
import { SPECIAL_TOKENS, splitWords } from '../../src/training/word-tokenizer.ts';
import { modelFiles } from '../../src/training/write.ts';
import { embedderOf, type Embed } from './model.ts';
import { cosine } from './ndcg.ts';

const TEXTS = articles().map(({ title, body }) => `${title}\n${body ?? ''}`);

const bytesOf = (trained: TrainedModel): string[] =>
  [...modelFiles(trained)].map(([path, content]) => `${path} ${Buffer.from(content).toString('base64')}`);

const rowOf = ({ words, table }: TrainedModel, word: string): Float32Array => {
  const row = SPECIAL_TOKENS.length + words.indexOf(word);
  return table.data.slice(row * table.columns, (row + 1) * table.columns);
};

describe('a model of the sample', () => {
  let trained: TrainedModel;
  let full: Embed;
  let quantized: Embed;
  beforeAll(async () => {
    trained = await trainModel(TEXTS, { dimensions: 64 });
    full = await embedderOf(trained);
    quantized = await embedderOf(trained, true);
  });

  test('says what it was trained on', () => {
    expect(trained.facts).toMatchObject({ documents: TEXTS.length, dimensions: 64, rank: 64, seed: 1 });
    expect(trained.facts.vocabulary).toBe(trained.words.length);
    expect(trained.table.rows).toBe(trained.words.length + SPECIAL_TOKENS.length);
  });

  test('the same texts and seed give the same bytes, another seed does not', async () => {
    expect(bytesOf(await trainModel(TEXTS, { dimensions: 64 }))).toEqual(bytesOf(trained));
    const few = TEXTS.slice(0, 60);
    expect(bytesOf(await trainModel(few, { dimensions: 32, seed: 2 }))).not.toEqual(
      bytesOf(await trainModel(few, { dimensions: 32, seed: 1 })),
    );
  });

  test('a text is the mean of its known words, and unknown ones do not turn it', async () => {
    for (const text of [TEXTS[0]!, 'bicycle chain qqxx zzyy', 'Brake! brakes, braking?']) {
      const sum = new Float64Array(64);
      for (const word of splitWords(text)) {
        if (trained.words.includes(word)) rowOf(trained, word).forEach((value, k) => (sum[k]! += value));
      }
      expect(cosine(await full(text), sum)).toBeGreaterThan(0.99999);
    }
    const known = await full('bicycle');
    expect(cosine(await full(`bicycle ${'qqxx '.repeat(500)}`), known)).toBeGreaterThan(0.999);
  });

  test('any text has a finite vector of length 1, in both sizes', async () => {
    const texts = ['', ' \n', 'qqxx zzyy', '🚲', '!!!', '漢字', '[UNK] [SEP]', 'a'.repeat(5000)];
    for (const embed of [full, quantized]) {
      for (const text of texts) {
        const vector = await embed(text);
        expect(vector).toHaveLength(64);
        expect(Math.hypot(...vector), JSON.stringify(text)).toBeCloseTo(1, 4);
      }
    }
  });

  test('any text at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async (text) => {
        expect(Math.hypot(...(await quantized(text)))).toBeCloseTo(1, 4);
      }),
      { numRuns: 100 },
    );
  });

  test('int8 points where the full model does', async () => {
    for (const text of TEXTS.slice(0, 40)) {
      expect(cosine(await full(text), await quantized(text))).toBeGreaterThan(0.9995);
    }
  });

  test('forms of a word share a vector', () => {
    expect(rowOf(trained, 'brakes')).toEqual(rowOf(trained, 'brake'));
  });
});

test('words of the same contexts come close although no text holds both', async () => {
  const topics = [
    ['physician', 'doctor', 'fever cough medicine nurse'],
    ['engine', 'motor', 'petrol gear clutch garage'],
    ['infant', 'baby', 'cradle nappy bottle nursery'],
    ['spaghetti', 'noodle', 'sauce tomato fork boil'],
    ['gale', 'storm', 'roof wind cloud warning'],
    ['suitcase', 'luggage', 'airport belt handle label'],
  ] as const;
  const texts = topics.flatMap(([one, other, context]) =>
    [one, other].flatMap((thing) =>
      Array.from(
        { length: 5 },
        (_, i) =>
          `${thing} ${context
            .split(' ')
            .toSpliced(i % 4, 1)
            .join(' ')}`,
      ),
    ),
  );
  const trained = await trainModel(texts, { dimensions: topics.length });
  for (const [one, other] of topics) {
    expect(cosine(rowOf(trained, one), rowOf(trained, other))).toBeGreaterThan(0.9);
  }
  expect(cosine(rowOf(trained, 'physician'), rowOf(trained, 'engine'))).toBeLessThan(0.2);
});

test.each([
  ['one text', ['The only text there is.']],
  ['one word', ['word']],
  ['two texts', ['red apples', 'blue sky']],
  ['five texts', ['a b', 'b c', 'c d', 'd e', '']],
  ['equal texts', Array.from({ length: 100 }, () => 'always the same text')],
])('%s: vectors of the length asked for, zeros where nothing is known', async (_, texts) => {
  const trained = await trainModel(texts, { dimensions: 32 });
  expect(trained.facts.rank).toBeLessThanOrEqual(texts.length);
  const embed = await embedderOf(trained, true);
  for (const text of [texts[0]!, 'qqxx', '']) {
    const vector = await embed(text);
    expect(vector).toHaveLength(32);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
    expect(vector.slice(trained.facts.rank).every((value) => value === 0)).toBe(true);
  }
});

test('two texts without a common word are apart', async () => {
  const embed = await embedderOf(await trainModel(['red apples', 'blue sky'], { dimensions: 8 }));
  expect(cosine(await embed('apples'), await embed('red'))).toBeGreaterThan(0.99);
  expect(Math.abs(cosine(await embed('apples'), await embed('sky')))).toBeLessThan(0.01);
});

test('of more texts than the limit a repeatable sample is taken', async () => {
  const options = { dimensions: 2, maxDocuments: 100 };
  const texts = Array.from({ length: 1000 }, (_, i) => `common${i % 7} number${i % 90}`);
  const { facts } = await trainModel(texts, options);
  expect(facts.documents).toBe(1000);
  expect(facts.trainedOn).toBeLessThanOrEqual(100);
  expect(facts.trainedOn).toBeGreaterThan(30);
  expect((await trainModel(texts, options)).facts).toEqual(facts);
});

test('the vocabulary is bounded, most frequent words first', async () => {
  const texts = Array.from({ length: 200 }, (_, i) => `often${i % 10} seldom${i}`);
  const { words } = await trainModel(texts, { dimensions: 4, maxVocabulary: 10 });
  expect(words.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `often${i}`));
});

test('reads an asynchronous source', async () => {
  async function* source(): AsyncGenerator<string> {
    yield* TEXTS.slice(0, 30);
  }
  const trained = await trainModel(source(), { dimensions: 8 });
  expect(bytesOf(trained)).toEqual(bytesOf(await trainModel(TEXTS.slice(0, 30), { dimensions: 8 })));
});

test.each([{ texts: [] }, { texts: ['', '  '] }, { texts: ['!!!', '…'] }])(
  '$texts: nothing to learn',
  async ({ texts }) => {
    const failure = await trainModel(texts).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ code: 'TRAINING_EMPTY' });
  },
);

test.each([{ dimensions: 1 }, { dimensions: 2.5 }, { dimensions: 5000 }, { seed: -1 }, { maxVocabulary: 0 }])(
  '%o is refused',
  async (options) => {
    await expect(trainModel(['a text'], options)).rejects.toMatchObject({
      code: 'TRAINING_OPTION',
      message: expect.stringContaining(Object.keys(options)[0]!) as string,
    });
  },
);

test('stops at the signal', async () => {
  const signal = AbortSignal.abort(new Error('stopped'));
  await expect(trainModel(TEXTS, { signal })).rejects.toThrow('stopped');
});
