/** The measure of everything: every vector against the text of now, embedded again. */

import type { Embedder } from '../../src/embedding/embedder.ts';
import { quoteName } from '../../src/db/identifiers.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import type { TestBackfill } from '../setup/backfill.ts';
import { sharedEmbedder } from '../setup/embedder.ts';

/** Rows of one look. */
const PAGE = 5000;

interface Row {
  id: string;
  body: string | null;
  /** As pgvector writes them, one for each passage; null where the row has none. */
  stored: string[] | null;
}

/** SQL of the vectors of a row of docs, as JSON. */
export function storedSql({ store }: Target): string {
  const vector = `${quoteName(store.column)}::text`;
  return store.kind === 'column'
    ? `CASE WHEN ${quoteName(store.column)} IS NOT NULL THEN json_build_array(${vector}) END`
    : `(SELECT json_agg(${vector} ORDER BY chunk) FROM ${store.table} v WHERE v.id = docs.id)`;
}

/** Keys of rows whose vectors are not those of their present text. */
export async function wrongVectors(backfill: TestBackfill): Promise<string[]> {
  const target = await backfill.target();
  const embedder = await sharedEmbedder(backfill.config.settings, 1);
  const wrong: string[] = [];
  for (let after: string | null = null; ;) {
    const { rows }: { rows: Row[] } = await backfill.pool.query<Row>(
      `SELECT id::text, ${target.text} AS body, ${storedSql(target)} AS stored FROM ${target.table}
        WHERE $1::bigint IS NULL OR id > $1::bigint ORDER BY ${target.table}.id LIMIT ${PAGE}`,
      [after],
    );
    const texts = rows.map(({ body }) => body ?? '');
    const fresh = await freshVectors(embedder, texts, backfill.config.settings.model.longText === 'chunks');
    for (const [at, { id, body, stored }] of rows.entries()) {
      const isRight = (body ?? '').trim() === '' ? stored === null : areSame(stored ?? [], fresh[at] ?? []);
      if (!isRight) wrong.push(id);
    }
    after = rows.at(-1)?.id ?? null;
    if (rows.length < PAGE) return wrong;
  }
}

async function freshVectors(
  embedder: Embedder,
  texts: readonly string[],
  byPassage: boolean,
): Promise<Float32Array[][]> {
  const cut = byPassage ? await embedder.cutPassages?.(texts) : undefined;
  const parts = texts.map((text, at) => cut?.texts[at]?.passages.map((each) => each.text) ?? [text]);
  const { vectors } = await embedder.embed(parts.flat(), { as: byPassage ? 'passage' : 'document' });
  const { dimensions } = embedder;
  let next = 0;
  return parts.map((of) => of.map(() => vectors.subarray(next * dimensions, ++next * dimensions)));
}

const areSame = (stored: readonly string[], fresh: readonly Float32Array[]): boolean =>
  stored.length === fresh.length &&
  stored.every((text, at) => {
    const vector = JSON.parse(text) as number[];
    const wanted = fresh[at] ?? [];
    return (
      vector.length === wanted.length &&
      vector.every((component, i) => Math.abs(component - (wanted[i] ?? 2)) <= 1e-5)
    );
  });
