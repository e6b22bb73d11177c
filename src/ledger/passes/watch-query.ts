/** Vectors of searches that applications have asked, for the watch to ask them again. */

import type { Queryable } from '../../db/pool.ts';

export interface QueryOf {
  /** Name of the generation in the ledger. */
  backfill: string;
  /** Of the model that has made the vector. */
  fingerprint: string;
}

/** The newest that are kept of a generation, however many processes add to them. */
export const MAX_QUERIES = 10_000;

/** What an application's role needs; to read is none of its business. */
export const KEEP_QUERY_GRANT =
  'GRANT INSERT ON pgvector_backfill.watch_query TO the role of the application';

/** Needs the right to insert, and none to read. @param vector in pgvector's text form */
export async function keepQuery(
  db: Queryable,
  { backfill, fingerprint }: QueryOf,
  vector: string,
): Promise<void> {
  await db.query(
    "INSERT INTO pgvector_backfill.watch_query (backfill, fingerprint, vector) VALUES ($1, $2, translate($3, '[]', '{}')::real[])",
    [backfill, fingerprint, vector],
  );
}

/** Those older than that, all of them for 0 days, and those beyond the most that are kept. */
export async function forgetQueries(db: Queryable, backfill: string, keepDays: number): Promise<void> {
  await db.query(
    `DELETE FROM pgvector_backfill.watch_query
      WHERE backfill = $1 AND (asked_at < now() - make_interval(days => $2)
         OR id <= (SELECT n.id FROM pgvector_backfill.watch_query n WHERE n.backfill = $1 ORDER BY n.id DESC OFFSET $3 LIMIT 1))`,
    [backfill, keepDays, MAX_QUERIES],
  );
}

/** At random. What is no vector of that model, whoever has put it there, is left out. @returns vectors in pgvector's text form */
export async function someQueries(
  db: Queryable,
  { backfill, fingerprint }: QueryOf,
  dimensions: number,
  limit: number,
): Promise<string[]> {
  const found = await db.query<{ vector: string }>(
    `SELECT translate(vector::text, '{}', '[]') AS vector FROM pgvector_backfill.watch_query
      WHERE backfill = $1 AND fingerprint = $2 AND array_ndims(vector) = 1 AND cardinality(vector) = $3
        AND NOT vector && '{NaN,Infinity,-Infinity}'::real[] AND array_position(vector, NULL) IS NULL
      ORDER BY random() LIMIT $4`,
    [backfill, fingerprint, dimensions, limit],
  );
  return found.rows.map((row) => row.vector);
}
