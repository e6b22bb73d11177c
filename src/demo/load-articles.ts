/** Makes the sample table and fills it, in pages. */

import type { Pool, Queryable } from '../db/pool.ts';
import type { Article } from './article.ts';

/** Rows of one INSERT: few round trips, a few hundred kB of parameters. */
const PAGE_ROWS = 500;

const CREATE = `CREATE TABLE public.articles (
  id         bigint PRIMARY KEY,
  title      text,
  body       text,
  status     text NOT NULL DEFAULT 'published',
  updated_at timestamptz NOT NULL DEFAULT now()
)`;

/** @returns rows written. */
export async function loadArticles(
  pool: Pool,
  source: Iterable<Article> | AsyncIterable<Article>,
): Promise<number> {
  await pool.query(CREATE);
  let page: Article[] = [];
  let rows = 0;
  for await (const article of source) {
    page.push(article);
    if (page.length < PAGE_ROWS) continue;
    rows += await insert(pool, page);
    page = [];
  }
  rows += await insert(pool, page);
  await pool.query('ANALYZE public.articles');
  return rows;
}

async function insert(db: Queryable, page: readonly Article[]): Promise<number> {
  if (page.length === 0) return 0;
  await db.query(
    `INSERT INTO public.articles (id, title, body, status, updated_at)
     SELECT id, title, body, status, updated_at
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS r (id, title, body, status, updated_at)`,
    [
      page.map((each) => String(each.id)),
      page.map((each) => each.title),
      page.map((each) => each.body),
      page.map((each) => each.status),
      page.map((each) => each.updatedAt.toISOString()),
    ],
  );
  return page.length;
}

/** Titles of rows spread over the table, as queries over a user's own records. */
export async function spreadTitles(db: Queryable, count: number): Promise<string[]> {
  const found = await db.query<{ title: string }>(
    `SELECT title FROM (SELECT title, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS total FROM public.articles WHERE title ~ '[^[:space:]]') t
      WHERE (n - 1) % greatest(total / $1::int, 1) = 0 ORDER BY n LIMIT $1::int`,
    [count],
  );
  return found.rows.map((row) => row.title);
}
