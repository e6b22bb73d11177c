/** pgvector's types of vectors with a number for every dimension. */

import type { Metric } from './metric.ts';

/** `halfvec` has two bytes a dimension in place of four (pgvector 0.7.0). */
export type VectorType = 'vector' | 'halfvec';

export const HALFVEC_VERSION = '0.7.0';

/** IEEE binary16 ends at 65,504: a component from here on rounds to infinity, and pgvector raises 22003. */
export const HALFVEC_OVERFLOW = 65_520;
/** A component up to here rounds to zero: half of the smallest subnormal. */
export const HALFVEC_UNDERFLOW = 2 ** -25;

/** Dimensions that HNSW and IVFFlat take at most. Source: pgvector's README. */
export const MAX_INDEXED_DIMENSIONS: Record<VectorType, number> = { vector: 2000, halfvec: 4000 };

/** Bytes of one value. */
export const vectorBytes = (dimensions: number, type: VectorType): number =>
  (type === 'vector' ? 4 : 2) * dimensions + 8;

export const operatorClass = (metric: Metric, type: VectorType): string => `${type}_${metric}_ops`;
