/** The measure of everything: every vector against the text of now, embedded again. */

import type { TestBackfill } from '../setup/backfill.ts';
import { sharedEmbedder } from '../setup/embedder.ts';

/** Keys of rows whose vector is not that of their present text. */
export async function wrongVectors(backfill: TestBackfill): Promise<string[]> {
  const { text, table } = await backfill.target();
  const { rows } = await backfill.pool.query<{ id: string; body: string | null; vector: string | null }>(
    `SELECT id::text, ${text} AS body, embedding::text AS vector FROM ${table} ORDER BY id`,
  );
  const embedder = await sharedEmbedder(backfill.config.settings, 1);
  const { vectors } = await embedder.embed(rows.map(({ body }) => body ?? ''));
  const { dimensions } = embedder;
  return rows
    .filter(({ body, vector }, at) => {
      if ((body ?? '').trim() === '') return vector !== null;
      const stored = JSON.parse(vector ?? '[]') as number[];
      const fresh = vectors.subarray(at * dimensions, (at + 1) * dimensions);
      return (
        stored.length !== dimensions || stored.some((value, i) => Math.abs(value - (fresh[i] ?? 0)) > 1e-5)
      );
    })
    .map(({ id }) => id);
}
