/** Changes of the legacy table that were captured: keys, each as often as it was written. */

import type { Queryable } from '../../db/pool.ts';

export interface ChangePage {
  /** Different keys, in no order. */
  keys: string[];
  /** Of these very changes. They are named one by one: a change may be committed behind one with a higher number. */
  ids: string[];
  /** The table was emptied by TRUNCATE. */
  truncated: boolean;
  /** Highest id of the page. */
  last: string;
}

/** Highest id that is there now; null where nothing is. */
export async function lastChange(db: Queryable, backfill: string): Promise<string | null> {
  const found = await db.query<{ id: string | null }>(
    'SELECT max(id)::text AS id FROM pgvector_backfill.change WHERE backfill = $1',
    [backfill],
  );
  return found.rows[0]?.id ?? null;
}

/** The oldest changes behind `after`, up to `upTo`; null where there are none. */
export async function readChanges(
  db: Queryable,
  backfill: string,
  after: string,
  upTo: string,
  limit: number,
): Promise<ChangePage | null> {
  const found = await db.query<{ id: string; key: string | null }>(
    `SELECT id::text AS id, key FROM pgvector_backfill.change
      WHERE backfill = $1 AND id > $2 AND id <= $3 ORDER BY change.id LIMIT $4`,
    [backfill, after, upTo, limit],
  );
  const last = found.rows.at(-1)?.id;
  if (last === undefined) return null;
  const keys = new Set(found.rows.map((row) => row.key));
  const truncated = keys.delete(null);
  return { keys: [...keys] as string[], ids: found.rows.map((row) => row.id), truncated, last };
}

/** As a trigger would: sync is to look at these rows. */
export async function noteChanges(db: Queryable, backfill: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await db.query('INSERT INTO pgvector_backfill.change (backfill, key) SELECT $1, unnest($2::text[])', [
    backfill,
    keys,
  ]);
}

/** Of these very changes, all but those of keys that are still `open`. @returns how many there were */
export async function removeChanges(
  db: Queryable,
  backfill: string,
  ids: readonly string[],
  open: readonly string[],
): Promise<number> {
  const removed = await db.query(
    `DELETE FROM pgvector_backfill.change c
      WHERE c.backfill = $1 AND c.id = ANY ($2::bigint[]) AND (c.key IS NULL OR c.key <> ALL ($3::text[]))`,
    [backfill, ids, open],
  );
  return removed.rowCount ?? 0;
}

export async function countChanges(db: Queryable, backfill: string): Promise<number> {
  const counted = await db.query<{ changes: number }>(
    'SELECT count(*)::int AS changes FROM pgvector_backfill.change WHERE backfill = $1',
    [backfill],
  );
  return counted.rows[0]?.changes ?? 0;
}

/** That nobody will bring in line. */
export async function removeAllChanges(db: Queryable, backfill: string): Promise<void> {
  await db.query('DELETE FROM pgvector_backfill.change WHERE backfill = $1', [backfill]);
}
