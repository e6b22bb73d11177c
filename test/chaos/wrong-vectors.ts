/** The measure of everything: every vector against the text of now, embedded again. */

import type { TestBackfill } from '../setup/backfill.ts';
import { sharedEmbedder } from '../setup/embedder.ts';

/** Rows of one look. */
const PAGE = 5000;

interface Row {
  id: string;
  body: string | null;
  vector: string | null;
}

/** Keys of rows whose vector is not that of their present text. */
export async function wrongVectors(backfill: TestBackfill): Promise<string[]> {
  const { text, table } = await backfill.target();
  const embedder = await sharedEmbedder(backfill.config.settings, 1);
  const { dimensions } = embedder;
  const wrong: string[] = [];
  for (let after: string | null = null; ;) {
    const { rows }: { rows: Row[] } = await backfill.pool.query<Row>(
      `SELECT id::text, ${text} AS body, embedding::text AS vector FROM ${table}
        WHERE $1::bigint IS NULL OR id > $1::bigint ORDER BY ${table}.id LIMIT ${PAGE}`,
      [after],
    );
    const { vectors } = await embedder.embed(rows.map(({ body }) => body ?? ''));
    for (const [at, { id, body, vector }] of rows.entries()) {
      const stored = JSON.parse(vector ?? '[]') as number[];
      const fresh = vectors.subarray(at * dimensions, (at + 1) * dimensions);
      const isRight =
        (body ?? '').trim() === ''
          ? vector === null
          : stored.length === dimensions &&
            stored.every((value, i) => Math.abs(value - (fresh[i] ?? 0)) <= 1e-5);
      if (!isRight) wrong.push(id);
    }
    after = rows.at(-1)?.id ?? null;
    if (rows.length < PAGE) return wrong;
  }
}
