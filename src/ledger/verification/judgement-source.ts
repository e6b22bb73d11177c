/** Judged queries that are a row's own text: known as such, and gone with it. */

import { backfillOf } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';
import { keyInSql, keyTextSql, legacyKey } from '../../table/key.ts';
import { readableTable } from '../rows/row-state.ts';
import type { Target } from '../../table/backfill-target.ts';

/** `key`: the row that the query was taken from; null where somebody typed it, or another judgement of it knows. */
export async function noteQuerySource(
  db: Queryable,
  backfill: string,
  query: string,
  key: string | null,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.judgement j
        SET query_key = coalesce($3, (SELECT max(o.query_key) FROM pgvector_backfill.judgement o
                                       WHERE o.backfill = $1 AND md5(o.query) = md5($2)))
      WHERE j.backfill = $1 AND md5(j.query) = md5($2) AND j.query_key IS NULL`,
    [backfillOf(backfill), query, key],
  );
}

/**
 * Of these keys: judgements of rows that are gone, and queries that were the text of a row which is gone or has another
 * text now. Judgements of a row that was merely edited stay: they hold its key alone.
 */
export async function forgetJudgements(
  db: Queryable,
  target: Target,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const backfill = backfillOf(target.backfill);
  const judged = await db.query<{ key: string }>(
    `SELECT key FROM pgvector_backfill.judgement WHERE backfill = $1 AND key = ANY ($2::text[])
      UNION SELECT query_key FROM pgvector_backfill.judgement WHERE backfill = $1 AND query_key = ANY ($2::text[])`,
    [backfill, keys],
  );
  // Of most pages there are none.
  if (judged.rows.length === 0) return;
  const { from, unreadable } = readableTable(target, '$3');
  const key = legacyKey(target);
  const values: unknown[] = [backfill, keys, target.backfill];
  const isJudged = keyInSql(
    target,
    key,
    judged.rows.map((row) => row.key),
    values,
  );
  await db.query(
    `WITH present AS (
       SELECT ${keyTextSql(target, key)} AS key, CASE WHEN ${unreadable} THEN NULL ELSE (${target.text})::text END AS text
         FROM ${from} WHERE ${isJudged})
     DELETE FROM pgvector_backfill.judgement j
      WHERE j.backfill = $1
        AND (j.key = ANY ($2::text[]) AND NOT EXISTS (SELECT 1 FROM present p WHERE p.key = j.key)
          OR j.query_key = ANY ($2::text[])
             AND NOT EXISTS (SELECT 1 FROM present p
                              WHERE p.key = j.query_key AND strpos(p.text COLLATE "C", j.query COLLATE "C") > 0))`,
    values,
  );
}
