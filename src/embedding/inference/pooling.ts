/** Token vectors → one vector. A plain loop: the library's own pooling costs a quarter of the inference time. */

import type { Pooling } from '../embedding-options.ts';

export interface TokenVectors {
  /** batch × sequence × dimensions. */
  data: Float32Array;
  sequence: number;
  dimensions: number;
}

/** Pools text `row`, of which the first `length` tokens are real, into `target` (dimensions components). */
export function pool(
  tokens: TokenVectors,
  row: number,
  length: number,
  how: Pooling,
  target: Float32Array,
): void {
  const { data, sequence, dimensions } = tokens;
  const start = row * sequence * dimensions;
  poolAt(data, (token) => start + token * dimensions, length, how, target);
}

/** Vectors one behind the other, in the numbers that they are kept in. */
export type Rows = Float32Array | Int8Array;

/** The same of tokens that lie anywhere in `data`: `at` gives where the vector of the n-th one begins. */
export function poolAt(
  data: Rows,
  at: (token: number) => number,
  length: number,
  how: Pooling,
  target: Float32Array,
): void {
  if (how === 'mean') return mean(data, at, length, target);
  if (how === 'weighted-mean') return weightedMean(data, at, length, target);
  if (how === 'last') {
    const last = at(length - 1);
    target.set(data.subarray(last, last + target.length));
    return;
  }
  const first = at(0);
  target.set(data.subarray(first, first + target.length));
  if (how === 'cls') return;
  for (let token = 1; token < length; token++) {
    const from = at(token);
    for (let i = 0; i < target.length; i++) target[i] = Math.max(target[i] ?? 0, data[from + i] ?? 0);
  }
}

/** Four tokens at a time: the sum so far is read and written a quarter as often, which was half of the time. */
function mean(data: Rows, at: (token: number) => number, length: number, target: Float32Array): void {
  const dimensions = target.length;
  const whole = length - (length % 4);
  target.fill(0);
  for (let token = 0; token < whole; token += 4) {
    const [a, b, c, d] = [at(token), at(token + 1), at(token + 2), at(token + 3)];
    for (let i = 0; i < dimensions; i++)
      target[i] = target[i]! + (data[a + i]! + data[b + i]!) + (data[c + i]! + data[d + i]!);
  }
  for (let token = whole; token < length; token++) {
    const from = at(token);
    for (let i = 0; i < dimensions; i++) target[i] = target[i]! + data[from + i]!;
  }
  for (let i = 0; i < dimensions; i++) target[i] = target[i]! / length;
}

/** The n-th token counts n times: a decoder's later tokens have read more (SGPT). */
function weightedMean(data: Rows, at: (token: number) => number, length: number, target: Float32Array): void {
  const all = (length * (length + 1)) / 2;
  sumOf(data, at, length, (token) => (token + 1) / all, target);
}

/** The vectors of tokens added up, each by its share. */
export function sumOf(
  data: Rows,
  at: (token: number) => number,
  length: number,
  share: (token: number) => number,
  target: Float32Array,
): void {
  target.fill(0);
  for (let token = 0; token < length; token++) {
    const from = at(token);
    const factor = share(token);
    for (let i = 0; i < target.length; i++) target[i] = target[i]! + factor * data[from + i]!;
  }
}

/** Euclidean length; NaN or infinite where a component is. */
export const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, component, at) => sum + component * (b[at] ?? 0), 0);

export function norm(vector: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += vector[at]! * vector[at]!;
  return Math.sqrt(sum);
}

export function scale(vector: Float32Array, factor: number): void {
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) * factor;
}

/** As PyTorch's. */
const LAYER_NORM_EPSILON = 1e-5;

/** Components less their mean, by their standard deviation. */
export function normaliseLayer(vector: Float32Array): void {
  const mean = vector.reduce((sum, each) => sum + each, 0) / vector.length;
  const variance = vector.reduce((sum, each) => sum + (each - mean) ** 2, 0) / vector.length;
  const factor = 1 / Math.sqrt(variance + LAYER_NORM_EPSILON);
  for (let at = 0; at < vector.length; at++) vector[at] = ((vector[at] ?? 0) - mean) * factor;
}
