/** A table whose vectors are there already, as somebody else has made them. */

import { articles } from '../../src/demo/articles.ts';
import type { TestBackfill } from './backfill.ts';
import { sharedEmbedder } from './embedder.ts';
import type { TestModel } from './model.ts';

/** `docs (id, title, body, embedding)`. MADE_OF: of one column alone. */
export async function embeddedVectors(
  { pool, config, env }: TestBackfill,
  { dimensions }: Pick<TestModel, 'dimensions'>,
  rows: number,
  { type = 'vector', key = 'id' }: { type?: string; key?: string } = {},
): Promise<void> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  await pool.query(
    `CREATE TABLE docs (tenant text COLLATE "C" DEFAULT 'a', id bigint, title text, body text, embedding ${type}(${dimensions}), PRIMARY KEY (${key}))`,
  );
  const texts = Array.from({ length: rows }, (_, at) => {
    const article = articles()[at % articles().length];
    return { title: `${article?.title} ${at + 1}`, body: article?.body ?? '' };
  });
  const embedder = await sharedEmbedder(config.settings, 1);
  const { vectors } = await embedder.embed(
    texts.map(({ title, body }) => (env['MADE_OF'] === 'title' ? title : [title, body].join('\n'))),
  );
  await embedder.close();
  const shown = texts.map((_, at) =>
    JSON.stringify([...vectors.subarray(at * dimensions, (at + 1) * dimensions)]),
  );
  await pool.query(
    `INSERT INTO docs (id, title, body, embedding) SELECT n, title, body, v::${type} FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS t (title, body, v, n)`,
    [texts.map(({ title }) => title), texts.map(({ body }) => body), shown],
  );
}
