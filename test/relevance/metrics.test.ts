import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndcg, recall, reciprocalRank } from '../../src/relevance/metrics.ts';

const grades = (record: Record<string, number>): Map<string, number> => new Map(Object.entries(record));
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm'];
const ranking = fc.shuffledSubarray(KEYS);
const judged = fc.dictionary(fc.constantFrom(...KEYS), fc.integer({ min: -1, max: 3 })).map(grades);

describe('ndcg', () => {
  it('is what a hand computes for graded judgements', () => {
    // Gains 3, 2, 0, 1 at ranks 1 to 4: 3 + 2/log2(3) + 1/log2(5) = 4.692536; ideal 3 + 2/log2(3) + 1/log2(4) = 4.761860
    expect(ndcg(['a', 'b', 'x', 'c'], grades({ a: 3, b: 2, c: 1 }))).toBeCloseTo(4.692536 / 4.76186, 5);
    // 1 + 3/log2(3) + 2/log2(4) = 3.892789 of the same
    expect(ndcg(['c', 'a', 'b'], grades({ a: 3, b: 2, c: 1 }))).toBeCloseTo(3.892789 / 4.76186, 5);
  });

  it('is what a hand computes for binary ones', () => {
    expect(ndcg(['a', 'b'], grades({ a: 1 }))).toBe(1);
    expect(ndcg(['b', 'a'], grades({ a: 1 }))).toBeCloseTo(0.63093, 5);
    expect(ndcg(['b', 'a'], grades({ a: 1, c: 1 }))).toBeCloseTo(0.386853, 6);
    expect(ndcg(['x', 'a'], grades({ a: 1 }), 1)).toBe(0);
  });

  it('takes grades below 1 for what they are, and a query without a relevant key for 0', () => {
    expect(ndcg(['n', 'a'], grades({ a: 1, n: -2, z: 0 }))).toBeCloseTo(0.63093, 5);
    expect(ndcg(['z'], grades({ z: 0 }))).toBe(0);
    expect(ndcg([], grades({ a: 1 }))).toBe(0);
  });

  it('is between 0 and 1, and 1 for the ideal order', () => {
    fc.assert(
      fc.property(ranking, judged, (keys, judged) => {
        const value = ndcg(keys, judged);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
        const ideal = [...judged].toSorted((a, b) => b[1] - a[1]).map(([key]) => key);
        expect(ndcg(ideal, judged)).toBeCloseTo([...judged.values()].some((grade) => grade > 0) ? 1 : 0, 12);
      }),
    );
  });

  it('does not fall when a better key comes before a worse one', () => {
    fc.assert(
      fc.property(ranking, judged, fc.nat(), (keys, judged, seed) => {
        if (keys.length < 2) return;
        const at = seed % (keys.length - 1);
        const [first, second] = [keys[at]!, keys[at + 1]!];
        if ((judged.get(first) ?? 0) >= (judged.get(second) ?? 0)) return;
        const swapped = keys.with(at, second).with(at + 1, first);
        expect(ndcg(swapped, judged)).toBeGreaterThanOrEqual(ndcg(keys, judged) - 1e-12);
      }),
    );
  });

  it('does not look behind rank 10', () => {
    fc.assert(
      fc.property(ranking, judged, (keys, judged) => {
        expect(ndcg(keys.slice(0, 10), judged)).toBe(ndcg(keys, judged));
      }),
    );
  });
});

describe('recall', () => {
  it('is the share of the relevant keys that were found', () => {
    expect(recall(['a', 'x', 'b'], grades({ a: 1, b: 2, c: 1, d: 1, n: 0 }))).toBe(0.5);
    expect(recall(['x', 'a'], grades({ a: 1 }), 1)).toBe(0);
    expect(recall(['x'], grades({ n: 0 }))).toBe(0);
  });

  it('grows with the depth, to 1 over all keys', () => {
    fc.assert(
      fc.property(ranking, judged, fc.nat(KEYS.length), (keys, judged, k) => {
        expect(recall(keys, judged, k)).toBeLessThanOrEqual(recall(keys, judged, k + 1));
        const relevant = [...judged.values()].some((grade) => grade > 0);
        expect(recall(KEYS, judged)).toBe(relevant ? 1 : 0);
      }),
    );
  });
});

describe('reciprocalRank', () => {
  it('is by the first relevant key', () => {
    expect(reciprocalRank(['x', 'n', 'b', 'a'], grades({ a: 3, b: 1, n: 0 }))).toBeCloseTo(1 / 3, 12);
    expect(reciprocalRank(['x'], grades({ a: 1 }))).toBe(0);
  });

  it('is at least nDCG’s share of a single relevant key', () => {
    fc.assert(
      fc.property(ranking, fc.constantFrom(...KEYS), (keys, key) => {
        const one = grades({ [key]: 1 });
        expect(reciprocalRank(keys, one) > 0).toBe(keys.includes(key));
        if (keys.indexOf(key) < 10 && keys.includes(key))
          expect(ndcg(keys, one)).toBeCloseTo(1 / Math.log2(1 / reciprocalRank(keys, one) + 1), 12);
      }),
    );
  });
});
