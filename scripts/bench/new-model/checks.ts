/** What came out, held against the models themselves. */

import { quoteName } from '../../../src/db/identifiers.ts';
import type { Pool } from '../../../src/db/pool.ts';
import type { Embedder, Embeddings } from '../../../src/embedding/embedder.ts';
import type { ClientsReport } from './clients-child.ts';

const PAGE = 500;
/** Of distances told by the server, which has vectors in single precision. */
const TOLERANCE = 1e-4;

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
};

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);

/** Hits whose distance is not that of the model which the answer names. */
export async function mixedHits(
  pool: Pool,
  { hits }: ClientsReport,
  queries: readonly string[],
  models: ReadonlyMap<number, Embedder>,
): Promise<number> {
  let mixed = 0;
  for (const [generation, embedder] of models) {
    const own = hits.filter((hit) => hit.generation === generation);
    const asked = await embedder.embed(queries, { as: 'query' });
    const keys = [...new Set(own.map(({ key }) => key))];
    const vectors = new Map<string, ArrayLike<number>>();
    for (let at = 0; at < keys.length; at += PAGE) {
      const found = await pool.query<{ key: string; body: string }>(
        'SELECT id::text AS key, body FROM docs WHERE id = ANY ($1::bigint[])',
        [keys.slice(at, at + PAGE)],
      );
      const made = await embedder.embed(found.rows.map(({ body }) => body));
      found.rows.forEach(({ key }, place) => vectors.set(key, vectorOf(embedder, made, place)));
    }
    for (const { query, key, distance } of own) {
      const vector = vectors.get(key);
      const wanted = vector === undefined ? Number.NaN : 1 - cosine(vectorOf(embedder, asked, query), vector);
      if (!(Math.abs(wanted - distance) <= TOLERANCE)) mixed++;
    }
  }
  return mixed + hits.filter(({ generation }) => !models.has(generation)).length;
}

/** Rows whose vector is not that of their text by this model; a row without one counts where its text has one. */
export async function differentVectors(pool: Pool, column: string, embedder: Embedder): Promise<number> {
  let different = 0;
  for (let after = '0'; ;) {
    const page = await pool.query<{ id: string; body: string; vector: string | null }>(
      `SELECT id::text AS id, body, ${quoteName(column)}::text AS vector FROM docs WHERE id > $1::bigint ORDER BY id LIMIT ${PAGE}`,
      [after],
    );
    const made = await embedder.embed(page.rows.map(({ body }) => body));
    page.rows.forEach(({ body, vector }, place) => {
      const wanted = vectorOf(embedder, made, place);
      const isWithout = body.trim() === '' || made.faults[place] !== 0;
      if (vector === null) different += isWithout ? 0 : 1;
      else if (!(cosine(JSON.parse(vector) as number[], wanted) > 1 - TOLERANCE)) different++;
    });
    const last = page.rows.at(-1);
    if (last === undefined) return different;
    after = last.id;
  }
}

const vectorOf = ({ dimensions }: Embedder, { vectors }: Embeddings, at: number): Float32Array =>
  vectors.subarray(at * dimensions, (at + 1) * dimensions);
