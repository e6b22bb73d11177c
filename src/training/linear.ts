/** The dense linear algebra that training needs, on row-major matrices. */

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

/** Off-diagonal mass, relative to the diagonal's, below which an eigenvalue decomposition is done. */
const CONVERGED = 1e-22;
const MAX_SWEEPS = 60;

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

/** All eigenvalues and vectors of a symmetric matrix, by cyclic Jacobi rotations (Golub & Van Loan, 8.5). */
export function eigenSymmetric({ rows: size, data }: Dense<Float64Array>): Eigen {
  const a = data.slice();
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) v[i * size + i] = 1;
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let off = 0;
    let diagonal = 0;
    for (let p = 0; p < size; p++) {
      diagonal += a[p * size + p]! ** 2;
      for (let q = p + 1; q < size; q++) off += a[p * size + q]! ** 2;
    }
    if (off <= CONVERGED * diagonal) break;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, v, size, p, q);
  }
  const order = Array.from({ length: size }, (_, i) => i).sort(
    (i, j) => a[j * size + j]! - a[i * size + i]! || i - j,
  );
  const vectors = new Float64Array(size * size);
  order.forEach((i, place) => vectors.set(v.subarray(i * size, (i + 1) * size), place * size));
  return {
    values: Float64Array.from(order, (i) => a[i * size + i]!),
    vectors: { rows: size, columns: size, data: vectors },
  };
}

/** Turns axes p and q so that a[p][q] becomes 0; the rows of v follow. */
function rotate(a: Float64Array, v: Float64Array, size: number, p: number, q: number): void {
  const pq = a[p * size + q]!;
  if (pq === 0) return;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * pq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const kp = a[k * size + p]!;
    const kq = a[k * size + q]!;
    a[k * size + p] = c * kp - s * kq;
    a[k * size + q] = s * kp + c * kq;
  }
  for (const matrix of [a, v]) {
    for (let k = 0; k < size; k++) {
      const pk = matrix[p * size + k]!;
      const qk = matrix[q * size + k]!;
      matrix[p * size + k] = c * pk - s * qk;
      matrix[q * size + k] = s * pk + c * qk;
    }
  }
}
