import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlap, rankBiasedOverlap } from '../../src/relevance/agreement.ts';
import { pairedBootstrap } from '../../src/relevance/bootstrap.ts';
import { fuse } from '../../src/relevance/rank-fusion.ts';
import { groupedWilson, wilson } from '../../src/relevance/wilson.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const ranking = fc.shuffledSubarray(KEYS);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('pairedBootstrap', () => {
  const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

  it('gives the same numbers for the same seed, others for another', () => {
    const values = Array.from({ length: 50 }, (_, at) => (at * 7919) % 11);
    expect(pairedBootstrap([values])).toEqual(pairedBootstrap([values]));
    expect(pairedBootstrap([values], { seed: 2 })).not.toEqual(pairedBootstrap([values]));
  });

  it('is about ± 1.96 standard errors for many values', () => {
    const values = Array.from({ length: 400 }, (_, at) => at % 2);
    const [interval] = pairedBootstrap([values]).means;
    // Standard error 0.5 / √400 = 0.025
    expect(interval?.low).toBeCloseTo(0.451, 2);
    expect(interval?.high).toBeCloseTo(0.549, 2);
  });

  it('encloses the mean, and knows no difference between a series and itself', () => {
    fc.assert(
      fc.property(scores, (values) => {
        const { means, differences } = pairedBootstrap([values, values], { resamples: 1000 });
        expect(means[0]?.low).toBeLessThanOrEqual(mean(values) + 1e-9);
        expect(means[0]?.high).toBeGreaterThanOrEqual(mean(values) - 1e-9);
        expect(means[1]).toEqual(means[0]);
        expect(differences[1]).toEqual({ low: 0, high: 0 });
      }),
      { numRuns: 30 },
    );
  });

  it('is paired: a constant lead is certain, however much the queries differ', () => {
    fc.assert(
      fc.property(scores, (values) => {
        const { differences } = pairedBootstrap([values, values.map((each) => each + 0.25)], {
          resamples: 1000,
        });
        expect(differences[1]?.low).toBeCloseTo(0.25, 9);
        expect(differences[1]?.high).toBeCloseTo(0.25, 9);
      }),
      { numRuns: 30 },
    );
  });
});

describe('wilson', () => {
  it('is what the tables give', () => {
    expect(wilson(50, 50).low).toBeCloseTo(0.92865, 5);
    expect(wilson(50, 50).high).toBe(1);
    expect(wilson(450, 500).low).toBeCloseTo(0.870578, 6);
    expect(wilson(450, 500).high).toBeCloseTo(0.923322, 6);
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('encloses the share, within 0 and 1, and narrows with more trials', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (hits, misses) => {
        const trials = hits + misses;
        if (trials === 0) return;
        const { low, high } = wilson(hits, trials);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(hits / trials + 1e-12);
        expect(high).toBeGreaterThanOrEqual(hits / trials - 1e-12);
        const more = wilson(hits * 4, trials * 4);
        expect(more.high - more.low).toBeLessThan(high - low);
      }),
    );
  });
});

describe('fuse', () => {
  it('is what a hand computes', () => {
    // a: 1/61 + 1/63 = 0.032266; b: 1/62 + 1/61 = 0.032522; c: 1/63; d: 1/62
    expect(
      fuse(
        [
          ['a', 'b', 'c'],
          ['b', 'd', 'a'],
        ],
        10,
      ),
    ).toEqual(['b', 'a', 'd', 'c']);
  });

  it('keeps the order of first appearance in a tie', () => {
    expect(
      fuse(
        [
          ['a', 'b'],
          ['c', 'd'],
        ],
        10,
      ),
    ).toEqual(['a', 'c', 'b', 'd']);
    expect(
      fuse(
        [
          ['c', 'd'],
          ['a', 'b'],
        ],
        3,
      ),
    ).toEqual(['c', 'a', 'd']);
  });

  it('of one ranking is that ranking, of any two is what they hold together', () => {
    fc.assert(
      fc.property(ranking, ranking, (a, b) => {
        expect(fuse([a], KEYS.length)).toEqual(a);
        expect(fuse([a, a], KEYS.length)).toEqual(a);
        expect(fuse([a, b], KEYS.length).toSorted()).toEqual([...new Set([...a, ...b])].toSorted());
      }),
    );
  });
});

describe('agreement', () => {
  it('overlap is the share of common places', () => {
    expect(overlap(['a', 'b', 'c'], ['c', 'x', 'y'], 3)).toBeCloseTo(1 / 3, 12);
    expect(overlap(['a', 'b', 'c'], ['a'], 2)).toBe(0.5);
    expect(overlap([], [], 10)).toBe(1);
    expect(overlap([], ['a'], 10)).toBe(0);
  });

  it('rank-biased overlap is what a hand computes, p = 0.9', () => {
    // Agreement 1, 1/2, 1/3 at depths 1 to 3: (0.1/0.9)(0.9 + 0.405 + 0.243) + (1/3) 0.729
    expect(rankBiasedOverlap(['a', 'b', 'c'], ['a', 'x', 'y'])).toBeCloseTo(0.172 + 0.243, 12);
    // Lists of length 1 and 2, common 1, 1: (0.1/0.9)(0.9 + 0.405 + 0.405) + 1 · 0.81
    expect(rankBiasedOverlap(['a'], ['a', 'b'])).toBeCloseTo(1, 12);
  });

  it('both are symmetric, 1 for the same list, 0 for nothing in common, and never outside', () => {
    fc.assert(
      fc.property(ranking, ranking, (a, b) => {
        for (const measure of [rankBiasedOverlap, (a: string[], b: string[]) => overlap(a, b, KEYS.length)]) {
          expect(measure(a, b)).toBeCloseTo(measure(b, a), 12);
          expect(measure(a, a)).toBeCloseTo(1, 12);
          expect(measure(a, b)).toBeGreaterThanOrEqual(0);
          expect(measure(a, b)).toBeLessThanOrEqual(1 + 1e-12);
          if (a.length > 0) expect(measure(a, ['x', 'y'])).toBe(0);
        }
      }),
    );
  });

  it('rank-biased overlap minds the top more than the bottom', () => {
    const base = ['a', 'b', 'c', 'd', 'e', 'f'];
    expect(rankBiasedOverlap(base, ['x', 'b', 'c', 'd', 'e', 'f'])).toBeLessThan(
      rankBiasedOverlap(base, ['a', 'b', 'c', 'd', 'e', 'x']),
    );
  });
});

describe('groupedWilson', () => {
  const groups = (...hits: number[]): { hits: number; trials: number }[] =>
    hits.map((each) => ({ hits: each, trials: 10 }));

  it('counts all trials where the groups are alike', () => {
    expect(groupedWilson(groups(...Array<number>(50).fill(9)))).toEqual(wilson(450, 500));
    expect(groupedWilson(groups(...Array<number>(50).fill(10)))).toEqual(wilson(500, 500));
    expect(groupedWilson([])).toEqual({ low: 0, high: 1 });
  });

  it('counts groups where each is hit whole or not at all', () => {
    const interval = groupedWilson(groups(...Array<number>(45).fill(10), ...Array<number>(5).fill(0)));
    // 50 groups, of which one is spent on their mean.
    expect(interval.low).toBeCloseTo(wilson(0.9 * 49, 49).low, 12);
    expect(interval.low).toBeLessThan(wilson(450, 500).low - 0.05);
  });
});
