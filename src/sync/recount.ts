/** Progress and coverage go by the counts of the batches: where sync was at their rows, they are counted again. */

import type { Pool, Queryable } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { accountFor } from '../ledger/accounting.ts';
import type { Run } from '../ledger/run.ts';
import { withReadableRows } from '../pipeline/unreadable.ts';
import type { Target } from '../table/target.ts';
import { cutBatch, type Range } from './cut-batch.ts';

/**
 * Marks the batches of these keys. Their bounds are kept as text, which has no order of keys; but their numbers have, so
 * each key's batch is found by halves. Where the batch was cut as the table grew, the part of it is looked for.
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
     UPDATE pgvector_backfill.batch SET recount = true
      WHERE run = $1 AND state = 'merged' AND NOT recount AND number IN (
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
  do {
    const marked = await pool.query<Range>(
      `SELECT number, lower_key AS lower, upper_key AS upper FROM pgvector_backfill.batch
        WHERE run = $1 AND recount ORDER BY number LIMIT 1`,
      [run.id],
    );
    const [first] = marked.rows;
    if (first === undefined) break;
    const batch = await cutBatch(pool, target, run, first);
    const reading = {
      pool,
      target,
      fingerprint: run.fingerprint,
      claim: { run: run.id, number: batch.number },
    };
    if (!(await withReadableRows(reading, batch, () => countBatch(pool, target, run, batch.number)))) break;
    counted++;
  } while (performance.now() < end);
  return counted;
}

/** @returns false where another worker has it. */
function countBatch(pool: Pool, target: Target, run: Run, batch: number): Promise<boolean> {
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    // The mark is taken off before the look: rows that are written behind it put it on again.
    const found = await client.query<Range>(
      `UPDATE pgvector_backfill.batch SET recount = false
        WHERE run = $1 AND number = (SELECT number FROM pgvector_backfill.batch WHERE run = $1 AND number = $2 AND recount
                                        FOR UPDATE SKIP LOCKED)
        RETURNING number, lower_key AS lower, upper_key AS upper`,
      [run.id, batch],
    );
    const [range] = found.rows;
    if (range === undefined) return false;
    const rows = await accountFor(client, target, run.fingerprint, range);
    await client.query(
      `UPDATE pgvector_backfill.batch SET rows = $3, eligible = $3, embedded = $4, skipped = $5, quarantined = $6, changed = $7, truncated = $8
        WHERE run = $1 AND number = $2`,
      [
        run.id,
        batch,
        rows.eligible,
        rows.embedded,
        rows.skipped,
        rows.quarantined,
        rows.missing + rows.stale,
        rows.truncated,
      ],
    );
    return true;
  });
}
