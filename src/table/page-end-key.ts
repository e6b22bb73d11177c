import type { Queryable } from '../db/pool.ts';
import { keyAliases, keyTextSql } from './key.ts';
import { orderedKeysSql, type KeyRange } from './key-range.ts';
import type { Target } from './backfill-target.ts';

/** First key behind the next `rows` rows of the range; null where it ends before. Read from the key's index alone. */
export async function pageEndKey(
  db: Queryable,
  target: Target,
  range: KeyRange,
  rows: number,
): Promise<string | null> {
  const values: unknown[] = [];
  const found = await db.query<{ key: string }>(
    `SELECT ${keyTextSql(target, keyAliases(target))} AS key
       FROM (${orderedKeysSql(target, range, values)} OFFSET $${values.push(rows)}::bigint LIMIT 1) pgvb_page`,
    values,
  );
  return found.rows[0]?.key ?? null;
}
