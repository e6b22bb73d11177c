import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { norm, pool, scale } from '../../src/embedding/inference/pooling.ts';
import type { Pooling } from '../../src/embedding/embedding-options.ts';
import {
  CALL_TOKENS,
  TOKEN_BUDGET,
  textChunks,
  tokenBatches,
} from '../../src/embedding/inference/token-batches.ts';

describe('pool', () => {
  // Two texts of three and one tokens, two dimensions, padded to three tokens.
  const tokens = {
    data: Float32Array.from([1, 5, 3, 1, 2, 3, 7, 8, 99, 99, 99, 99]),
    sequence: 3,
    dimensions: 2,
  };
  it.each([
    ['mean', [2, 3], [7, 8]],
    ['cls', [1, 5], [7, 8]],
    ['max', [3, 5], [7, 8]],
  ] as const)('%s leaves the padding out', (how, first, second) => {
    const vector = new Float32Array(2);
    pool(tokens, 0, 3, how, vector);
    expect([...vector]).toEqual(first);
    pool(tokens, 1, 1, how, vector);
    expect([...vector]).toEqual(second);
  });

  /** As it is written in a textbook, in double precision. */
  function naive(rows: number[][], how: Pooling): number[] {
    const columns = (rows[0] ?? []).map((_, at) => rows.map((row) => row[at] ?? 0));
    if (how === 'cls') return rows[0] ?? [];
    if (how === 'max') return columns.map((column) => Math.max(...column));
    return columns.map((column) => column.reduce((sum, value) => sum + value, 0) / column.length);
  }

  it('agrees with the textbook, for every text of a batch and whatever the padding holds', () => {
    const component = fc.integer({ min: -1000, max: 1000 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }).chain((dimensions) => {
          const vector = fc.array(component, { minLength: dimensions, maxLength: dimensions });
          return fc.array(fc.array(vector, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });
        }),
        fc.constantFrom<Pooling>('mean', 'cls', 'max'),
        fc.constantFrom(Number.NaN, 9e9, -9e9),
        (texts, how, padding) => {
          const dimensions = texts[0]?.[0]?.length ?? 0;
          const sequence = Math.max(...texts.map((text) => text.length));
          const data = new Float32Array(texts.length * sequence * dimensions).fill(padding);
          for (const [row, text] of texts.entries()) data.set(text.flat(), row * sequence * dimensions);
          for (const [row, text] of texts.entries()) {
            // Not cleared: what is left of another text must not count.
            const target = new Float32Array(dimensions).fill(77);
            pool({ data, sequence, dimensions }, row, text.length, how, target);
            for (const [at, expected] of naive(text, how).entries())
              expect(Math.abs((target[at] ?? 0) - expected)).toBeLessThan(1e-3);
          }
        },
      ),
    );
  });

  it('brings a vector to unit length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 1 }), (components) => {
        fc.pre(components.some((each) => each !== 0));
        const vector = Float32Array.from(components);
        scale(vector, 1 / norm(vector));
        expect(norm(vector)).toBeCloseTo(1, 5);
      }),
    );
  });

  it('measures length, and shows what is not finite', () => {
    expect(norm(Float32Array.from([3, 4]))).toBe(5);
    expect(norm(Float32Array.from([3, Number.NaN]))).toBeNaN();
    expect(norm(new Float32Array(4))).toBe(0);
  });
});

describe('tokenBatches', () => {
  it('has every text once, similar lengths together, and keeps the budget of padded tokens', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 300 }), (lengths) => {
        const batches = tokenBatches(lengths);
        expect(batches.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
        for (const batch of batches) {
          const longest = Math.max(...batch.map((index) => lengths[index] ?? 0));
          if (batch.length > 1) expect(longest * batch.length).toBeLessThanOrEqual(TOKEN_BUDGET);
        }
        const order = batches.flat().map((index) => lengths[index] ?? 0);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe('tokenBatches of long texts', () => {
  it('computes each of them alone, so that attention never has more scores than the longest text by itself', () => {
    const length = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 4000, max: 8192 }));
    fc.assert(
      fc.property(fc.array(length, { minLength: 1, maxLength: 80 }), (lengths) => {
        for (const batch of tokenBatches(lengths)) {
          const longest = Math.max(...batch.map((index) => lengths[index] ?? 0));
          if (longest > TOKEN_BUDGET / 2) expect(batch).toHaveLength(1);
          // A head's scores: lines × longest × longest.
          else expect(batch.length * longest * longest).toBeLessThanOrEqual(TOKEN_BUDGET * longest);
        }
      }),
    );
  });
});

describe('tokenBatches of another budget', () => {
  it('computes no more than any other way to cut the texts in order of length', () => {
    const costOf = (batches: number[][]): number =>
      batches.reduce((sum, batch) => sum + batch.length * Math.max(...batch) + CALL_TOKENS, 0);
    /** Of sorted lengths. */
    const cheapest = ([...lengths]: number[], budget: number): number => {
      if (lengths.length === 0) return 0;
      const heads = lengths.map((_, at) => lengths.slice(0, at + 1));
      const allowed = heads.filter((head) => head.length === 1 || head.length * Math.max(...head) <= budget);
      return Math.min(
        ...allowed.map((head) => costOf([head]) + cheapest(lengths.slice(head.length), budget)),
      );
    };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 9 }),
        fc.integer({ min: 1, max: 200 }),
        (lengths, budget) => {
          const batches = tokenBatches(Int32Array.from(lengths), budget);
          const found = batches.map((batch) => batch.map((index) => lengths[index] ?? 0));
          const sorted = lengths.toSorted((a, b) => a - b);
          expect(costOf(found)).toBe(cheapest(sorted, budget));
        },
      ),
    );
    expect(tokenBatches([], 10)).toEqual([]);
    expect(tokenBatches([5, 5, 5], 10)).toEqual([[0, 1], [2]]);
    expect(tokenBatches([500, 3], 10)).toEqual([[1], [0]]);
  });
});

describe('textChunks', () => {
  it('has every text once, the longest first, and bounds what one message holds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(90_000), { maxLength: 60 }), (lengths) => {
        const texts = lengths.map((length) => 'x'.repeat(length));
        const chunks = textChunks(texts);
        expect(chunks.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
        for (const chunk of chunks) {
          const characters = chunk.reduce((sum, index) => sum + (lengths[index] ?? 0), 0);
          expect(chunk.length === 1 || characters <= 16 * 1024).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
    expect(textChunks([])).toEqual([]);
    expect(textChunks(['a', 'ccc', 'bb'])).toEqual([[1, 2, 0]]);
    expect(textChunks(Array.from({ length: 600 }, () => 'x')).map((chunk) => chunk.length)).toEqual([
      256, 256, 88,
    ]);
  });

  it('makes smaller ones towards the end of a job, so that no process waits long for the last one', () => {
    const sizes = textChunks(Array.from({ length: 500 }, () => 'x'.repeat(800))).map(
      ({ length }) => length * 800,
    );
    expect(sizes[0]).toBe(16_000);
    expect(sizes.at(-1)).toBeLessThanOrEqual(4 * 1024);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  });
});
