import { expect, test } from 'vitest';
import { eigenSymmetric, gram, orthonormalise } from '../../src/training/linear.ts';
import { uniform } from '../../src/random.ts';
import { rightSingularVectors, type SparseRows } from '../../src/training/svd.ts';

function sparse(rows: number[][]): SparseRows {
  const offsets = [0];
  const columns: number[] = [];
  const weights: number[] = [];
  for (const row of rows) {
    row.forEach((weight, column) => {
      if (weight === 0) return;
      columns.push(column);
      weights.push(weight);
    });
    offsets.push(columns.length);
  }
  return {
    offsets: Uint32Array.from(offsets),
    columns: Uint32Array.from(columns),
    weights: Float32Array.from(weights),
    width: rows[0]!.length,
  };
}

function randomRows(count: number, width: number, seed: number): number[][] {
  const random = uniform(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: width }, () => (random() < 0.3 ? Math.fround(random()) : 0)),
  );
}

test('finds the strongest right singular vectors', async () => {
  const rows = randomRows(60, 40, 3);
  const { vectors, values } = await rightSingularVectors(sparse(rows), { rank: 5, random: uniform(1) });
  expect(vectors).toMatchObject({ rows: 40, columns: 5 });
  const exact = eigenSymmetric(gram({ rows: 60, columns: 40, data: Float32Array.from(rows.flat()) }));
  for (let k = 0; k < 5; k++) {
    expect(values[k]).toBeCloseTo(Math.sqrt(exact.values[k]!), 3);
    const dot = Array.from(
      { length: 40 },
      (_, i) => vectors.data[i * 5 + k]! * exact.vectors.data[k * 40 + i]!,
    );
    expect(Math.abs(dot.reduce((sum, part) => sum + part, 0))).toBeGreaterThan(0.999);
  }
});

test('has no more directions than the matrix', async () => {
  const rows = randomRows(3, 30, 5);
  const { vectors } = await rightSingularVectors(sparse([...rows, ...rows]), {
    rank: 10,
    random: uniform(1),
  });
  expect(vectors.columns).toBe(3);
});

test('orthonormalise drops dependent columns and keeps the span', () => {
  const data = Float32Array.from([1, 2, 0, 0, 0, 1, 1, 2, 1]);
  const basis = orthonormalise({ rows: 3, columns: 3, data });
  expect(basis.columns).toBe(2);
  expect([...gram(basis).data].map((value) => Math.round(value * 1e5) / 1e5)).toEqual([1, 0, 0, 1]);
});

test('eigenSymmetric gives values and vectors', () => {
  const { values, vectors } = eigenSymmetric({ rows: 2, columns: 2, data: Float64Array.from([2, 1, 1, 2]) });
  expect(values[0]).toBeCloseTo(3, 12);
  expect(values[1]).toBeCloseTo(1, 12);
  expect(Math.abs(vectors.data[0]! - vectors.data[1]!)).toBeLessThan(1e-12);
});

test('stops at the signal', async () => {
  const stop = AbortSignal.abort(new Error('stopped'));
  const running = rightSingularVectors(sparse(randomRows(4, 4, 1)), {
    rank: 2,
    random: uniform(1),
    signal: stop,
  });
  await expect(running).rejects.toThrow('stopped');
});
