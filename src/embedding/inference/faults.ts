/** What is wrong with a vector, and what is done to one that is right. */

import type { Embeddings } from '../embedder.ts';
import { norm, scale } from './pooling.ts';

/** Below: the direction of the vector is rounding noise. */
export const MIN_NORM = 1e-12;
/** Of VECTOR_FAULT. */
export const FAULT = {
  unknown: 1,
  notFinite: 2,
  zero: 3,
  tooLong: 4,
  skipped: 5,
  refused: 6,
  maskTooSlow: 7,
} as const;

/** Finite, not zero, and of unit length where that was asked for. */
export function checkVectors({ vectors, faults }: Embeddings, normalize: boolean): void {
  const dimensions = vectors.length / Math.max(faults.length, 1);
  if (dimensions === 0) return;
  for (let text = 0; text < faults.length; text++) {
    if ((faults[text] ?? 0) >= FAULT.tooLong) continue;
    const vector = vectors.subarray(text * dimensions, (text + 1) * dimensions);
    const length = norm(vector);
    if (!Number.isFinite(length)) faults[text] = FAULT.notFinite;
    // That no word is known says more.
    else if (length < MIN_NORM) faults[text] ||= FAULT.zero;
    else if (normalize) scale(vector, 1 / length);
  }
}
