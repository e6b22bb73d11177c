/** Token vectors → one vector. A plain loop: the library's own pooling costs a quarter of the inference time. */

import type { Pooling } from './shaping.ts';

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
  target.set(data.subarray(start, start + dimensions));
  if (how === 'cls') return;
  for (let token = 1; token < length; token++) {
    const from = start + token * dimensions;
    for (let i = 0; i < dimensions; i++) {
      const value = data[from + i] ?? 0;
      const sofar = target[i] ?? 0;
      target[i] = how === 'mean' ? sofar + value : Math.max(sofar, value);
    }
  }
  if (how === 'mean') for (let i = 0; i < dimensions; i++) target[i] = (target[i] ?? 0) / length;
}

/** Euclidean length; NaN or infinite where a component is. */
export function norm(vector: Float32Array): number {
  let sum = 0;
  for (const component of vector) sum += component * component;
  return Math.sqrt(sum);
}

export function scale(vector: Float32Array, factor: number): void {
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) * factor;
}
