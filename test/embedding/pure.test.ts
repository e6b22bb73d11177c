import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { norm, pool } from '../../src/embedding/pooling.ts';
import { TOKEN_BUDGET, textChunks, tokenBatches } from '../../src/embedding/token-batches.ts';

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

describe('textChunks', () => {
  it('has every text once, the longest first, and bounds what one message holds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(90_000), { maxLength: 60 }), (lengths) => {
        const texts = lengths.map((length) => 'x'.repeat(length));
        const chunks = textChunks(texts);
        expect(chunks.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
        for (const chunk of chunks) {
          const characters = chunk.reduce((sum, index) => sum + (lengths[index] ?? 0), 0);
          expect(chunk.length === 1 || characters <= 64 * 1024).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});
