/** Changes of a generation that nobody drains, while another one's drains go on moving more to it. */

import type { Queryable } from '../../db/pool.ts';

/** Without a drain that went through, after which it counts as not drained; and between two counts. */
const WAIT = `interval '10 min'`;
/** So many changes are looked at faster than any table is read. */
const ALWAYS_KEPT = 100_000;

/** Of these, those with more changes than their table has rows, by the statistics. One worker counts, now and then. */
export async function withTooManyChanges(
  db: Queryable,
  backfills: readonly string[],
  kept = ALWAYS_KEPT,
): Promise<string[]> {
  const found = await db.query<{ backfill: string }>(
    `WITH due AS (
       UPDATE pgvector_backfill.sync SET waiting_checked_at = clock_timestamp()
        WHERE backfill = ANY ($1) AND coalesce(drained_at + ${WAIT} < clock_timestamp(), updated_at + ${WAIT} < clock_timestamp())
          AND coalesce(waiting_checked_at + ${WAIT} < clock_timestamp(), true)
        RETURNING backfill, captured_table)
     SELECT backfill FROM due, LATERAL (SELECT greatest($2::bigint, (SELECT sum(c.reltuples)::bigint FROM pg_class c
              WHERE c.oid = captured_table OR c.oid IN (SELECT relid FROM pg_partition_tree(captured_table) WHERE isleaf))) AS limit_) l
      WHERE (SELECT count(*) FROM (SELECT 1 FROM pgvector_backfill.change c WHERE c.backfill = due.backfill LIMIT limit_ + 1) waiting) > limit_`,
    [backfills, kept],
  );
  return found.rows.map((row) => row.backfill);
}
