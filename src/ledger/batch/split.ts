import type { Queryable } from '../../db/pool.ts';
import { FIRST_PART } from './batch.ts';
import type { NumberedRange } from './recount.ts';

/**
 * Ends a merged batch at the key `cut` and makes the rest of its range another one, which is marked to be counted.
 * In a transaction. @returns false where a plan is under way, or the batch is another one by now
 */
export async function splitMerged(
  db: Queryable,
  run: string,
  { number, upper }: NumberedRange,
  cut: string,
): Promise<boolean> {
  // Nobody else gives out numbers meanwhile. A plan that is under way has the last batch.
  const planned = await db.query(
    'SELECT 1 FROM pgvector_backfill.run WHERE id = $1 AND planned_at IS NOT NULL FOR UPDATE',
    [run],
  );
  if (planned.rowCount === 0) return false;
  const found = await db.query<{ isLast: boolean; part: number }>(
    `UPDATE pgvector_backfill.batch SET upper_key = $3
      WHERE run = $1 AND number = $2 AND state = 'merged' AND upper_key IS NOT DISTINCT FROM $4
      RETURNING part_of IS NULL AND $4::text IS NULL AS "isLast", coalesce(part_of, number) AS part`,
    [run, number, cut, upper],
  );
  const shortened = found.rows[0];
  if (shortened === undefined) return false;
  // Behind the last batch there is room for a number in the order of keys; elsewhere the rest is a part of the batch.
  const next = shortened.isLast
    ? await db.query<{ number: number }>(
        'UPDATE pgvector_backfill.run SET batches_planned = batches_planned + 1 WHERE id = $1 RETURNING batches_planned AS number',
        [run],
      )
    : await db.query<{ number: number }>(
        'SELECT greatest(max(number) + 1, $2::int) AS number FROM pgvector_backfill.batch WHERE run = $1',
        [run, FIRST_PART],
      );
  await db.query(
    `INSERT INTO pgvector_backfill.batch (run, number, part_of, lower_key, upper_key, rows, state, recount, started_at, staged_at, merged_at)
     SELECT run, $3, $4, $5, $6, 0, 'merged', true, started_at, staged_at, merged_at
       FROM pgvector_backfill.batch WHERE run = $1 AND number = $2`,
    [run, number, next.rows[0]?.number, shortened.isLast ? null : shortened.part, cut, upper],
  );
  return true;
}
