/**
 * A merged batch that has outgrown its size is cut, so that what counts it stays as small as it was: each edit of one of its
 * rows has it counted again. The batch keeps the beginning of its range, the rest becomes another one, which is cut in turn.
 */

import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { FIRST_PART } from '../ledger/batch/batch.ts';
import type { Run } from '../ledger/run/run.ts';
import { pageEndKey } from '../table/page-end-key.ts';
import type { KeyRange } from '../table/key-range.ts';
import type { Target } from '../table/backfill-target.ts';

/** Rows of a batch behind a condition: it may be met by few of them, and all of them are read. */
const CONDITIONAL_ROWS = 10_000;
/** Batches grow by so much before they are cut. */
const GROWTH = 2;

export interface Range extends KeyRange {
  number: number;
}

/** @returns what is left of the batch; the rest is marked to be counted, as the batch is. */
export async function splitBatch(pool: Pool, target: Target, run: Run, batch: Range): Promise<Range> {
  const rows = target.where === '(true)' ? run.batchRows : Math.max(run.batchRows, CONDITIONAL_ROWS);
  if ((await pageEndKey(pool, target, batch, GROWTH * rows)) === null) return batch;
  const cut = await pageEndKey(pool, target, batch, rows);
  if (cut === null) return batch;
  const done = await inTransaction(pool, LEDGER_LIMITS, async (client) => {
    // Nobody else gives out numbers meanwhile. A plan that is under way has the last batch.
    const planned = await client.query(
      'SELECT 1 FROM pgvector_backfill.run WHERE id = $1 AND planned_at IS NOT NULL FOR UPDATE',
      [run.id],
    );
    if (planned.rowCount === 0) return false;
    const found = await client.query<{ isLast: boolean; part: number }>(
      `UPDATE pgvector_backfill.batch SET upper_key = $3
        WHERE run = $1 AND number = $2 AND state = 'merged' AND upper_key IS NOT DISTINCT FROM $4
        RETURNING part_of IS NULL AND $4::text IS NULL AS "isLast", coalesce(part_of, number) AS part`,
      [run.id, batch.number, cut, batch.upper],
    );
    const shortened = found.rows[0];
    if (shortened === undefined) return false;
    // Behind the last batch there is room for a number in the order of keys; elsewhere the rest is a part of the batch.
    const next = shortened.isLast
      ? await client.query<{ number: number }>(
          'UPDATE pgvector_backfill.run SET batches_planned = batches_planned + 1 WHERE id = $1 RETURNING batches_planned AS number',
          [run.id],
        )
      : await client.query<{ number: number }>(
          'SELECT greatest(max(number) + 1, $2::int) AS number FROM pgvector_backfill.batch WHERE run = $1',
          [run.id, FIRST_PART],
        );
    await client.query(
      `INSERT INTO pgvector_backfill.batch (run, number, part_of, lower_key, upper_key, rows, state, recount, started_at, staged_at, merged_at)
       SELECT run, $3, $4, $5, $6, 0, 'merged', true, started_at, staged_at, merged_at
         FROM pgvector_backfill.batch WHERE run = $1 AND number = $2`,
      [
        run.id,
        batch.number,
        next.rows[0]?.number,
        shortened.isLast ? null : shortened.part,
        cut,
        batch.upper,
      ],
    );
    return true;
  });
  return done ? { ...batch, upper: cut } : batch;
}
