/** The table that most tests work on. */

import type { Queryable } from '../../src/db/pool.ts';

/** `docs (id bigint PRIMARY KEY, body text)` with keys from 1; `text`: SQL of a row's text, in which `n` is its key. */
export async function createDocs(
  db: Queryable,
  rows = 0,
  text = "'bread dough and yeast ' || n",
): Promise<void> {
  await db.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
  if (rows > 0)
    await db.query(`INSERT INTO docs SELECT n, ${text} FROM generate_series(1, $1::int) n`, [rows]);
}
