/** Vectors that are there beside those that the model gives for the same texts. */

import type { Pool } from '../../db/pool.ts';
import type { Embedder, EmbedOptions } from '../../embedding/embedder.ts';
import { dot, norm } from '../../embedding/inference/pooling.ts';
import { LENGTH_TOLERANCE } from '../../pipeline/adopt-rows.ts';
import { readTexts } from '../../table/read-texts.ts';
import type { Target } from '../../table/backfill-target.ts';

export interface ComparedRow {
  key: string;
  /** As much of it as the model reads. */
  text: string;
  stored: Float32Array;
  cosine: number;
  /** Length of the stored vector, in lengths of the model's own. */
  length: number;
}

export const agrees = ({ cosine, length }: ComparedRow, minAgreement: number): boolean =>
  cosine >= minAgreement && Math.abs(length - 1) <= LENGTH_TOLERANCE;

export interface ComparedRows {
  rows: ComparedRow[];
  /** Rows that the model has no vector for, so that nothing can be said of theirs. */
  unknown: number;
}

/**
 * Those of the rows that take part and have a text and a vector to compare. Vectors of zeros are left out: they are never taken
 * over.
 */
export async function compareRows(
  pool: Pool,
  target: Target,
  embedder: Embedder,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<ComparedRows> {
  const read = await readTexts(pool, target, keys, embedder.maxCharacters, undefined, true);
  const rows = read.flatMap(({ key, text, vector }) =>
    vector == null ? [] : [{ key, text, stored: Float32Array.from(JSON.parse(vector) as number[]) }],
  );
  const compared = await compareTexts(
    embedder,
    rows.map(({ text, stored }) => ({ text, stored })),
    { signal },
  );
  const both = rows.flatMap((row, at) => {
    const found = compared[at] ?? null;
    return found === null ? [] : [{ ...row, ...found }];
  });
  const directed = rows.filter(({ stored }) => norm(stored) > 0).length;
  return { rows: both, unknown: directed - both.length };
}

/** Null for a text without a vector to compare. */
export async function compareTexts(
  embedder: Embedder,
  rows: readonly { text: string; stored: Float32Array }[],
  options: EmbedOptions,
): Promise<(Pick<ComparedRow, 'cosine' | 'length'> | null)[]> {
  const { vectors, faults } = await embedder.embed(
    rows.map(({ text }) => text),
    options,
  );
  return rows.map(({ stored }, at) => {
    const own = vectors.subarray(at * embedder.dimensions, (at + 1) * embedder.dimensions);
    const [storedLength, ownLength] = [norm(stored), norm(own)];
    if ((faults[at] ?? 0) !== 0 || !(storedLength > 0) || !(ownLength > 0)) return null;
    return { cosine: dot(stored, own) / (storedLength * ownLength), length: storedLength / ownLength };
  });
}
