import { beforeAll, describe, expect, test } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { demoQueries, judgedQueries } from '../../src/demo/sample-queries.ts';
import { stemOf } from '../../src/training/stem.ts';
import { trainModel } from '../../src/training/train.ts';
import { splitWords } from '../../src/training/word-tokenizer.ts';
import { embedderOf, type Embed } from '../training/model.ts';
import { cosine, ndcg, rank } from '../training/ndcg.ts';

type Search = (query: string) => Promise<bigint[]>;

const rows = articles()
  .filter(({ status }) => status !== 'draft')
  .map(({ id, title, body }) => ({ id, text: `${title}\n${body ?? ''}` }));
const ids = rows.map(({ id }) => id);

/** `ILIKE '%query%'` */
const ilike: Search = async (query) =>
  rows.filter(({ text }) => text.toLowerCase().includes(query.toLowerCase())).map(({ id }) => id);

/** Any word in any form, rare words first: more than most tables have. */
function wordOverlap(): Search {
  const families = rows.map(({ text }) => new Set(splitWords(text).map(stemOf)));
  return async (query) => {
    const weights = [...new Set(splitWords(query).map(stemOf))].map((family) => {
      const count = families.filter((row) => row.has(family)).length;
      return { family, weight: count === 0 ? 0 : Math.log(rows.length / count) };
    });
    return rank(ids, (_, i) =>
      weights.reduce((sum, { family, weight }) => sum + (families[i]!.has(family) ? weight : 0), 0),
    );
  };
}

async function mean(search: Search): Promise<number> {
  let sum = 0;
  for (const { text, relevant } of judgedQueries) sum += ndcg(await search(text), new Set(relevant));
  return sum / judgedQueries.length;
}

describe('a model trained on the sample, through the real pipeline', () => {
  let vector: Search;
  beforeAll(async () => {
    const embed: Embed = await embedderOf(
      await trainModel(
        rows.map(({ text }) => text),
        { dimensions: 64 },
      ),
      true,
    );
    const vectors: Float32Array[] = [];
    for (const { text } of rows) vectors.push(await embed(text));
    vector = async (query) => {
      const wanted = await embed(query);
      return rank(ids, (_, i) => cosine(wanted, vectors[i]!));
    };
  });

  test('finds far more than ILIKE, and more than the words alone', async () => {
    const found = await mean(vector);
    expect(found).toBeGreaterThan((await mean(ilike)) + 0.3);
    expect(found).toBeGreaterThan(await mean(wordOverlap()));
  });

  test('finds what the demo promises, where ILIKE finds the code only', async () => {
    for (const text of demoQueries) {
      const relevant = new Set(judgedQueries.find((query) => query.text === text)!.relevant);
      expect(ndcg(await vector(text), relevant), text).toBeGreaterThan(0.9);
      expect(ndcg(await ilike(text), relevant), text).toBe(text === 'P0420' ? 1 : 0);
    }
  });
});

test('nDCG is what trec_eval computes', () => {
  expect(ndcg(['a', 'b'], new Set(['a']))).toBe(1);
  expect(ndcg(['b', 'a'], new Set(['a']))).toBeCloseTo(1 / Math.log2(3), 12);
  expect(ndcg(['b', 'a'], new Set(['a', 'c']))).toBeCloseTo(0.386853, 6);
  expect(ndcg([], new Set(['a']))).toBe(0);
  expect(ndcg(['x', 'a'], new Set(['a']), 1)).toBe(0);
});
