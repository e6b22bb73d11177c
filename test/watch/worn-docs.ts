/** A table of distinct texts, and edits that wear its index out: each leaves an entry of a vector that is gone. */

import { articles } from '../../src/demo/articles.ts';
import type { Queryable } from '../../src/db/pool.ts';
import { uniform } from '../../src/random.ts';

export const ROWS = 1000;
const WORDS = 12;

/** An index that finds enough while it is new; nobody clears away what edits leave of it. */
export const WEARING = {
  BACKFILL_TABLE: 'docs',
  BACKFILL_TEXT: 'body',
  BACKFILL_INDEX_M: '6',
  BACKFILL_INDEX_EF_CONSTRUCTION: '32',
  BACKFILL_SYNC_EVERY_SECONDS: '1',
  BACKFILL_BATCH_ROWS: '500',
  BACKFILL_WATCH_MODE: 'off',
} as const;

let vocabulary: string[] | null = null;

function texts(seed: number, rows = ROWS): string[] {
  vocabulary ??= [
    ...new Set(
      articles().flatMap(
        ({ title, body }) => `${title} ${body ?? ''}`.toLowerCase().match(/[a-z]{4,}/g) ?? [],
      ),
    ),
  ];
  const [words, random] = [vocabulary, uniform(seed)];
  return Array.from({ length: rows }, () =>
    Array.from({ length: WORDS }, () => words[Math.floor(random() * words.length)]).join(' '),
  );
}

export async function createDistinctDocs(db: Queryable, rows = ROWS): Promise<void> {
  await db.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text) WITH (autovacuum_enabled = off)');
  await db.query('INSERT INTO docs SELECT n, body FROM unnest($1::text[]) WITH ORDINALITY t (body, n)', [
    texts(1, rows),
  ]);
}

/** Every row gets another text. */
export async function editAll(db: Queryable, round: number): Promise<void> {
  await db.query(
    'UPDATE docs SET body = t.body FROM unnest($1::text[]) WITH ORDINALITY t (body, n) WHERE id = n',
    [texts(100 + round)],
  );
}
