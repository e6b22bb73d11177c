/** Progress and coverage go by the counts of the batches: where sync was at their rows, they are counted again. */

import type { Pool, Queryable } from '../db/pool.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { accountFor } from '../ledger/rows/accounting.ts';
import type { Run } from '../ledger/run/run.ts';
import { readingOfRun, withReadableRows } from '../pipeline/unreadable-rows.ts';
import type { Target } from '../table/backfill-target.ts';
import { splitBatch, type Range } from './split-batch.ts';

/**
 * Marks the batches of these keys, also those that are marked: a count that is under way has not seen these rows, and takes
 * away no mark but the one that it began with. Their bounds are kept as text, which has no order of keys; but their numbers
 * have, so each key's batch is found by halves. Where the batch was cut as the table grew, the part of it is looked for.
 */
export async function markForRecount(
  db: Queryable,
  target: Target,
  run: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  await db.query(
    `WITH RECURSIVE search AS (
       SELECT k.key, 1 AS low, r.batches_planned AS high
         FROM unnest($2::${target.keyType}[]) AS k (key), pgvector_backfill.run r WHERE r.id = $1
       UNION ALL
       SELECT s.key, CASE WHEN b.lower_key::${target.keyType} <= s.key THEN b.number ELSE s.low END,
              CASE WHEN b.lower_key::${target.keyType} <= s.key THEN s.high ELSE b.number - 1 END
         FROM search s JOIN pgvector_backfill.batch b ON b.run = $1 AND b.number = (s.low + s.high + 1) / 2
        WHERE s.low < s.high)
     UPDATE pgvector_backfill.batch SET recount = true, recount_mark = recount_mark + 1
      WHERE run = $1 AND state = 'merged' AND number IN (
        SELECT coalesce((SELECT p.number FROM pgvector_backfill.batch p
                          WHERE p.run = $1 AND p.part_of = s.low AND p.lower_key::${target.keyType} <= s.key
                            AND (p.upper_key IS NULL OR s.key < p.upper_key::${target.keyType}) LIMIT 1), s.low)
          FROM search s WHERE s.low = s.high)`,
    [run, keys],
  );
}

/** Marked batches, for about `budgetMs`. @returns how many were counted. */
export async function recountMarked(pool: Pool, target: Target, run: Run, budgetMs: number): Promise<number> {
  const end = performance.now() + budgetMs;
  let counted = 0;
  for (let after = 0; counted === 0 || performance.now() < end; counted++) {
    const batch = await nextMarked(pool, run, after);
    if (batch === null) break;
    await recountBatch(pool, target, run, batch);
    after = batch.number;
  }
  return counted;
}

interface MarkedBatch extends Range {
  mark: number;
  token: number;
}

async function nextMarked(db: Queryable, run: Run, after: number): Promise<MarkedBatch | null> {
  const found = await db.query<MarkedBatch>(
    `SELECT number, lower_key AS lower, upper_key AS upper, recount_mark AS mark, token FROM pgvector_backfill.batch
      WHERE run = $1 AND recount AND state = 'merged' AND number > $2 ORDER BY number LIMIT 1`,
    [run.id, after],
  );
  return found.rows[0] ?? null;
}

/** No lock is held while rows are counted, so that sync need not wait with its mark. */
async function recountBatch(
  pool: Pool,
  target: Target,
  run: Run,
  { mark, token, ...marked }: MarkedBatch,
): Promise<void> {
  const range = await splitBatch(pool, target, run, marked);
  const rows = await withReadableRows(readingOfRun(pool, target, run, range.number), range, () =>
    inTransaction(pool, TABLE_LIMITS, (client) => accountFor(client, target, run.fingerprint, range)),
  );
  // Neither a mark that came meanwhile is taken away, nor the count of a batch that was opened and merged again, or cut.
  await pool.query(
    `UPDATE pgvector_backfill.batch SET rows = $4, eligible = $4, embedded = $5, skipped = $6, quarantined = $7, changed = $8,
            truncated = $9, recount = recount_mark <> $3
      WHERE run = $1 AND number = $2 AND token = $10 AND state = 'merged' AND upper_key IS NOT DISTINCT FROM $11`,
    [
      run.id,
      range.number,
      mark,
      rows.eligible,
      rows.embedded,
      rows.skipped,
      rows.quarantined,
      rows.missing + rows.stale,
      rows.truncated,
      token,
      range.upper,
    ],
  );
}
