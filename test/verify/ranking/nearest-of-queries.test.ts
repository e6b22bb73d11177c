import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NearestOfQueries } from '../../../src/verify/ranking/nearest-of-queries.ts';
import type { Metric } from '../../../src/table/metric.ts';

const DIMENSIONS = 2;
const component = fc.integer({ min: -3, max: 3 });
const vector = fc.tuple(component, component);
type Vector = [number, number];

const nearness: Record<Metric, (a: Vector, b: Vector) => number> = {
  ip: (a, b) => a[0] * b[0] + a[1] * b[1],
  l2: (a, b) => -Math.hypot(a[0] - b[0], a[1] - b[1]),
  cosine: (a, b) => (a[0] * b[0] + a[1] * b[1]) / Math.hypot(...a) / Math.hypot(...b),
};

const ask = (query: Vector, metric: Metric, depth: number): NearestOfQueries =>
  new NearestOfQueries(
    { vectors: Float32Array.from(query), dimensions: DIMENSIONS, faults: new Uint8Array(1) },
    metric,
    depth,
  );

describe('the nearest rows of queries', () => {
  it('are those of a sort of all rows, each by its best passage, whatever the metric and the depth', () => {
    fc.assert(
      fc.property(
        vector,
        fc.array(fc.array(vector, { maxLength: 3 }), { maxLength: 20 }),
        fc.constantFrom<Metric>('ip', 'l2', 'cosine'),
        fc.integer({ min: 1, max: 8 }),
        (query, rows, metric, depth) => {
          const nearest = ask(query, metric, depth);
          for (const [at, passages] of rows.entries())
            nearest.add(String(at), Float32Array.from(passages.flat()));
          const score = (passages: Vector[]): number =>
            Math.max(
              ...passages.map((each) => nearness[metric](query, each)).filter((each) => !Number.isNaN(each)),
            );
          const scores = nearest.ranking(0).map((key) => score(rows[Number(key)] as Vector[]));
          const best = rows
            .map(score)
            .filter((each) => each !== -Infinity)
            .toSorted((a, b) => b - a)
            .slice(0, depth);
          // A query of no direction is as near to all.
          if (metric === 'cosine' && Math.hypot(...query) === 0) return;
          expect(scores).toHaveLength(best.length);
          for (const [at, each] of scores.entries()) expect(each).toBeCloseTo(best[at] as number, 5);
        },
      ),
    );
  });

  it('of one score stay in the order in which they came, and a copy goes its own way', () => {
    const nearest = ask([1, 0], 'cosine', 2);
    for (const key of ['a', 'b', 'c']) nearest.add(key, Float32Array.of(1, 0));
    const copy = nearest.copy();
    copy.add('d', Float32Array.of(2, 0));
    nearest.add('e', Float32Array.of(0, 1));
    expect(nearest.ranking(0)).toEqual(['a', 'b']);
    expect(copy.ranking(0)).toEqual(['a', 'b']);
  });

  it('are none of a query that the model makes no vector of', () => {
    const nearest = new NearestOfQueries(
      { vectors: Float32Array.of(1, 0, 0, 1), dimensions: DIMENSIONS, faults: Uint8Array.of(1, 0) },
      'cosine',
    );
    nearest.add('a', Float32Array.of(1, 1));
    expect(nearest.ranking(0)).toEqual([]);
    expect(nearest.ranking(1)).toEqual(['a']);
  });
});
