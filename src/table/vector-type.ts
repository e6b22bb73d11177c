/** pgvector's types of vectors with a number for every dimension. */

import type { Metric } from './metric.ts';

/** `halfvec` has two bytes a dimension in place of four (pgvector 0.7.0). */
export type VectorType = 'vector' | 'halfvec';

/** What an index may be of: `bit` has one bit a dimension, whether its component is above zero (pgvector 0.7.0). */
export type IndexedType = VectorType | 'bit';

/** `halfvec` and `binary_quantize`. */
export const HALFVEC_VERSION = '0.7.0';

/** IEEE binary16 ends at 65,504: a component from here on rounds to infinity, and pgvector raises 22003. */
export const HALFVEC_OVERFLOW = 65_520;
/** A component up to here rounds to zero: half of the smallest subnormal. */
export const HALFVEC_UNDERFLOW = 2 ** -25;

/** Dimensions that HNSW and IVFFlat take at most. Source: pgvector's README. */
export const MAX_INDEXED_DIMENSIONS: Record<IndexedType, number> = {
  vector: 2000,
  halfvec: 4000,
  bit: 64_000,
};

const BITS_OF_A_DIMENSION: Record<IndexedType, number> = { vector: 32, halfvec: 16, bit: 1 };

/** Bytes of one value. */
export const vectorBytes = (dimensions: number, type: IndexedType): number =>
  Math.ceil((BITS_OF_A_DIMENSION[type] * dimensions) / 8) + 8;

/** Of bits there is one distance, by whichever the rows are compared afterwards. */
export const operatorClass = (metric: Metric, type: IndexedType): string =>
  type === 'bit' ? 'bit_hamming_ops' : `${type}_${metric}_ops`;
