/** Parts of texts → one vector per text. */

import type { Embeddings } from '../embedder.ts';
import type { Part } from './call.ts';
import { norm, scale } from '../inference/pooling.ts';

/** Puts the vectors of `parts` into the rows of `result`; those of one text are averaged, weighted by their length. */
export function gather(
  parts: readonly Part[],
  result: Embeddings,
  dimensions: number,
  normalize: boolean,
): void {
  // In the order of the text, not of the answers: sums in another order differ in their last digits.
  const sorted = parts.toSorted((a, b) => a.piece.row - b.piece.row || a.piece.from - b.piece.from);
  for (let at = 0; at < sorted.length;) {
    const row = sorted[at]?.piece.row ?? 0;
    let end = at + 1;
    while (sorted[end]?.piece.row === row) end++;
    gatherRow(sorted.slice(at, end), row, result, dimensions, normalize);
    at = end;
  }
}

function gatherRow(
  parts: readonly Part[],
  row: number,
  result: Embeddings,
  dimensions: number,
  normalize: boolean,
): void {
  const fault = parts.find((part) => part.fault !== 0)?.fault ?? 0;
  result.faults[row] = fault;
  result.tokens[row] = parts.reduce((sum, part) => sum + part.tokens, 0);
  result.truncated[row] = parts.some((part) => part.piece.truncated) ? 1 : 0;
  if (fault !== 0) return;
  const target = result.vectors.subarray(row * dimensions, (row + 1) * dimensions);
  if (parts.length === 1 && parts[0] !== undefined) target.set(parts[0].vector);
  else average(parts, target, normalize);
  const length = norm(target);
  if (length === 0) result.faults[row] = 3;
  else if (normalize) scale(target, 1 / length);
}

/** Where vectors are scaled to unit length, those of the parts are too: a long one must not count for more than its text. */
function average(parts: readonly Part[], target: Float32Array, normalize: boolean): void {
  const weights = parts.map(({ piece }) => piece.body.length);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [at, { vector }] of parts.entries()) {
    const factor = (weights[at] ?? 0) / all / (normalize ? norm(vector) : 1);
    for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) + (vector[i] ?? 0) * factor;
  }
}
