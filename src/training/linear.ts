/** The dense linear algebra that training needs, on row-major matrices. */

import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** `rows × columns` numbers, row after row. Float32 halves the memory of tall matrices; sums are taken in double. */
export interface Dense<A extends Float32Array | Float64Array = Float32Array> {
  rows: number;
  columns: number;
  data: A;
}

/**
 * A column that lies in the span of the columns before it, up to this share of its squared length, is dropped.
 * Float32 rounding leaves about 4e-15, the smallest direction worth having is well above 1e-10.
 */
const DEPENDENT = 1e-12;

/** Aᵀ·A of a tall matrix; both halves are filled. */
export function gram({ rows, columns, data }: Dense): Dense<Float64Array> {
  const product = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++) addOuter(product, data.subarray(row * columns, (row + 1) * columns));
  mirror(product, columns);
  return { rows: columns, columns, data: product };
}

/** Adds v·vᵀ to the upper half of a square matrix. */
export function addOuter(square: Float64Array, vector: Float32Array | Float64Array): void {
  const size = vector.length;
  for (let i = 0; i < size; i++) {
    const left = vector[i]!;
    if (left === 0) continue;
    const base = i * size;
    for (let j = i; j < size; j++) square[base + j]! += left * vector[j]!;
  }
}

/** Copies the upper half below the diagonal. */
export function mirror(square: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) square[i * size + j] = square[j * size + i]!;
}

/**
 * An orthonormal basis of the columns, by Cholesky of the Gram matrix: two cheap passes over the tall matrix where
 * Gram-Schmidt would take one per column. Dependent columns are left out, so the result may be narrower.
 */
export function orthonormalise(tall: Dense): Dense {
  const { rows, columns, data } = tall;
  const products = gram(tall).data;
  const lower = new Float64Array(columns * columns);
  const kept: number[] = [];
  for (let i = 0; i < columns; i++) {
    const base = i * columns;
    let rest = products[base + i]!;
    for (const j of kept) {
      let sum = products[base + j]!;
      for (const k of kept) {
        if (k >= j) break;
        sum -= lower[base + k]! * lower[j * columns + k]!;
      }
      const entry = sum / lower[j * columns + j]!;
      lower[base + j] = entry;
      rest -= entry * entry;
    }
    if (rest > DEPENDENT * products[base + i]! && rest > 0) {
      lower[base + i] = Math.sqrt(rest);
      kept.push(i);
    }
  }
  const width = kept.length;
  const basis = new Float32Array(rows * width);
  const solved = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    for (let a = 0; a < width; a++) {
      const base = kept[a]! * columns;
      let sum = data[row * columns + kept[a]!]!;
      for (let b = 0; b < a; b++) sum -= solved[b]! * lower[base + kept[b]!]!;
      solved[a] = sum / lower[base + kept[a]!]!;
    }
    basis.set(solved, row * width);
  }
  return { rows, columns: width, data: basis };
}

export interface Eigen {
  /** Descending. */
  values: Float64Array;
  /** One eigenvector per row, in the order of the values. */
  vectors: Dense<Float64Array>;
}

/** All eigenvalues and vectors of a symmetric matrix. */
export function eigenSymmetric({ rows: size, data }: Dense<Float64Array>): Eigen {
  const found = new EigenvalueDecomposition(Matrix.from1DArray(size, size, data), { assumeSymmetric: true });
  // The library has them ascending, and the vectors as columns.
  const vectors = Float64Array.from({ length: size * size }, (_, at) =>
    found.eigenvectorMatrix.get(at % size, size - 1 - Math.floor(at / size)),
  );
  return {
    values: Float64Array.from(found.realEigenvalues.toReversed()),
    vectors: { rows: size, columns: size, data: vectors },
  };
}
