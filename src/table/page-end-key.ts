import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { rangeSql, type KeyRange } from './key-range.ts';
import type { Target } from './backfill-target.ts';

/** First key behind the next `rows` rows of the range; null where it ends before. Read from the key's index alone. */
export async function pageEndKey(
  db: Queryable,
  target: Target,
  range: KeyRange,
  rows: number,
): Promise<string | null> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const values: unknown[] = [];
  const found = await db.query<{ key: string }>(
    `SELECT ${key}::text AS key FROM ${target.table} WHERE ${rangeSql(target, key, range, values)}
      ORDER BY ${key} OFFSET $${values.push(rows)}::bigint LIMIT 1`,
    values,
  );
  return found.rows[0]?.key ?? null;
}
