/** Changes that were noted once for all generations of a backfill, and are to be moved to each of them. */

import { backfillOf } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';

/** What they are noted under. No generation has that name. */
export const sharedName = (backfill: string): string => `${backfillOf(backfill)}@all`;

/** Transactions whose rows could not be noted; one of them asks for a sweep as well as a thousand. */
const MAX_MISSED = 1000;

/** Up to which number there are some now; null where there is nothing to move. */
export async function sharedUpTo(db: Queryable, backfill: string): Promise<string | null> {
  const found = await db.query<{ upTo: string | null }>(
    `SELECT coalesce((SELECT max(id) FROM pgvector_backfill.change WHERE backfill = $1),
                     (SELECT 0 FROM pgvector_backfill.missed_change WHERE backfill = $1 LIMIT 1))::text AS "upTo"`,
    [sharedName(backfill)],
  );
  return found.rows[0]?.upTo ?? null;
}

/**
 * For the rest of the transaction nobody settles changes of a generation that gets some: a note that waits there would stand for
 * one that is moved, and be taken away for a text that was read before.
 * @returns those that get them; where nobody does, nobody is to bring them in line
 */
export async function lockReceivers(db: Queryable, backfill: string): Promise<string[]> {
  const found = await db.query<{ backfill: string }>(
    `SELECT s.backfill FROM pgvector_backfill.sync s JOIN pgvector_backfill.backfill b ON b.name = s.backfill
      WHERE b.of_backfill = $1 AND b.dropped_at IS NULL AND s.captured_table IS NOT NULL AND s.mode <> 'off'
      ORDER BY s.backfill FOR NO KEY UPDATE OF s`,
    [backfillOf(backfill)],
  );
  return found.rows.map((row) => row.backfill);
}

export interface SharedPage {
  receivers: readonly string[];
  /** Behind which number, and up to which. */
  after: string;
  upTo: string;
  /** Null: all of them. */
  limit: number | null;
}

/**
 * Behind `lockReceivers`, in the same transaction: the oldest of them, with the time at which they were noted. Only what is
 * committed is taken, whatever its number. Key by key it is looked up what waits: a join would read all of it.
 * @returns how many were taken, and the last number
 */
export async function moveShared(
  db: Queryable,
  backfill: string,
  { receivers, after, upTo, limit }: SharedPage,
): Promise<{ taken: number; last: string }> {
  const moved = await db.query<{ taken: number; last: string }>(
    `WITH taken AS (
       DELETE FROM pgvector_backfill.change
        WHERE backfill = $1 AND id IN (SELECT id FROM pgvector_backfill.change WHERE backfill = $1 AND id > $5 AND id <= $3 ORDER BY change.id LIMIT $4)
        RETURNING id, key, at),
     noted AS (
       INSERT INTO pgvector_backfill.change (backfill, key, at, spread)
       SELECT r.backfill, t.key, t.at, true
         FROM (SELECT key, min(at) AS at, min(id) AS id FROM taken GROUP BY key) t CROSS JOIN unnest($2::text[]) AS r (backfill)
         LEFT JOIN LATERAL (SELECT true AS stands FROM pgvector_backfill.change c
                             WHERE c.spread AND c.backfill = r.backfill AND c.key IS NOT DISTINCT FROM t.key
                               AND coalesce(hashtextextended(c.key, 0), 0) = coalesce(hashtextextended(t.key, 0), 0) LIMIT 1) w ON true
        WHERE w.stands IS NULL
        ORDER BY t.id),
     gone AS (DELETE FROM pgvector_backfill.missed_change WHERE backfill = $1 RETURNING at, reason),
     missed AS (
       INSERT INTO pgvector_backfill.missed_change (backfill, at, reason)
       SELECT r.backfill, g.at, g.reason FROM (SELECT * FROM gone LIMIT ${MAX_MISSED}) g CROSS JOIN unnest($2::text[]) AS r (backfill)
        WHERE (SELECT count(*) FROM pgvector_backfill.missed_change m WHERE m.backfill = r.backfill) < ${MAX_MISSED})
     SELECT count(*)::int AS taken, coalesce(max(id), $3)::text AS last FROM taken`,
    [sharedName(backfill), receivers, upTo, limit, after],
  );
  return moved.rows[0] ?? { taken: 0, last: upTo };
}
