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
