/**
 * Truncated singular value decomposition of a sparse matrix by randomized subspace iteration (Halko, Martinsson and
 * Tropp 2011, algorithm 4.4, on AᵀA). Only the right singular vectors are needed, so the product with a text's row
 * is used and forgotten: memory is two matrices of words × dimensions, whatever the number of texts.
 */

import type { OnProgress } from '../observability/progress.ts';
import { addOuter, eigenSymmetric, mirror, orthonormalise, type Dense } from './linear.ts';

/** Compressed rows: row i has its entries at `offsets[i] … offsets[i + 1]` of `columns` and `weights`. */
export interface SparseRows {
  offsets: Uint32Array;
  columns: Uint32Array;
  weights: Float32Array;
  /** Number of columns. */
  width: number;
}

export interface RightSingular {
  /** Width × rank; orthonormal columns, strongest first. */
  vectors: Dense;
  /** Descending, one per column of `vectors`. */
  values: Float64Array;
}

export interface SvdOptions {
  onProgress?: OnProgress | undefined;
  /** Rank wanted; the result has less where the matrix has less. */
  rank: number;
  /** Numbers in [0, 1). */
  random: () => number;
  signal?: AbortSignal;
}

/** Extra directions carried along and cut off at the end; they take the error of the weakest ones wanted. */
const OVERSAMPLING = 16;

/** Each one squares the gap between what is kept and what is cut; more than four changed no figure measured. */
const POWER_ITERATIONS = 4;

/** Squared singular values below this share of the largest are rounding. */
const NEGLIGIBLE = 1e-9;

/** Rows between two looks at the signal; about 50 ms of work. */
const ROWS_PER_TURN = 4096;

export async function rightSingularVectors(matrix: SparseRows, options: SvdOptions): Promise<RightSingular> {
  const { rank, random, signal, onProgress } = options;
  const probes = Math.min(rank + OVERSAMPLING, matrix.width);
  const start = Float32Array.from({ length: matrix.width * probes }, () => random() - 0.5);
  let basis: Dense = { rows: matrix.width, columns: probes, data: start };
  for (let iteration = 0; iteration < POWER_ITERATIONS; iteration++) {
    onProgress?.({ what: 'finding dimensions', done: iteration, total: POWER_ITERATIONS });
    const data = new Float32Array(basis.data.length);
    const width = basis.columns;
    const current = basis.data;
    await eachProjection(matrix, basis, signal, (projected, from, to) => {
      for (let at = from; at < to; at++) {
        const weight = matrix.weights[at]!;
        const base = matrix.columns[at]! * width;
        for (let k = 0; k < width; k++) data[base + k]! += weight * projected[k]!;
      }
    });
    basis = orthonormalise({ rows: matrix.width, columns: width, data });
    // Not one direction left: rounding of an all but empty matrix. Keep what there was.
    if (basis.columns === 0) basis = orthonormalise({ rows: matrix.width, columns: width, data: current });
  }
  // Once more, because the first pass is exact only up to the square of the matrix's condition.
  return rotateToSingular(matrix, orthonormalise(basis), rank, signal);
}

/** Rayleigh-Ritz: within the subspace found, the directions and their strengths. */
async function rotateToSingular(
  matrix: SparseRows,
  basis: Dense,
  rank: number,
  signal: AbortSignal | undefined,
): Promise<RightSingular> {
  const size = basis.columns;
  const square = new Float64Array(size * size);
  await eachProjection(matrix, basis, signal, (projected) => addOuter(square, projected));
  mirror(square, size);
  const { values, vectors } = eigenSymmetric({ rows: size, columns: size, data: square });
  const found = values.findIndex((value, place) => place >= rank || value <= NEGLIGIBLE * values[0]!);
  const kept = found < 0 ? values.length : found;
  const data = new Float32Array(basis.rows * kept);
  for (let row = 0; row < basis.rows; row++) {
    for (let k = 0; k < kept; k++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += basis.data[row * size + j]! * vectors.data[k * size + j]!;
      data[row * kept + k] = sum;
    }
  }
  return {
    vectors: { rows: basis.rows, columns: kept, data },
    values: values.slice(0, kept).map((value) => Math.sqrt(value)),
  };
}

/** Calls `use` with each row of matrix × basis and where that row's entries stand. The array is used again. */
async function eachProjection(
  { offsets, columns, weights }: SparseRows,
  { columns: width, data }: Dense,
  signal: AbortSignal | undefined,
  use: (projected: Float64Array, from: number, to: number) => void,
): Promise<void> {
  const projected = new Float64Array(width);
  for (let row = 0; row + 1 < offsets.length; row++) {
    if (row % ROWS_PER_TURN === 0) {
      // Lets a signal's handler run: the rest of the training never waits for anything.
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
    projected.fill(0);
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
      const weight = weights[at]!;
      const base = columns[at]! * width;
      for (let k = 0; k < width; k++) projected[k]! += weight * data[base + k]!;
    }
    use(projected, offsets[row]!, offsets[row + 1]!);
  }
}
