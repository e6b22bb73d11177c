/** Progress and coverage go by the counts of the batches: where sync was at their rows, they are counted again. */

import type { Pool } from '../db/pool.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { nextMarked, saveRecount, type MarkedBatch } from '../ledger/batch/recount.ts';
import { accountFor } from '../ledger/rows/accounting.ts';
import type { Run } from '../ledger/run/run.ts';
import { readingOfRun, withReadableRows } from '../pipeline/unreadable-rows.ts';
import type { Target } from '../table/backfill-target.ts';
import { splitBatch } from './split-batch.ts';

/** Marked batches, for about `budgetMs`. @returns how many were counted. */
export async function recountMarked(pool: Pool, target: Target, run: Run, budgetMs: number): Promise<number> {
  const end = performance.now() + budgetMs;
  let counted = 0;
  for (let after = 0; counted === 0 || performance.now() < end; counted++) {
    const batch = await nextMarked(pool, run.id, after);
    if (batch === null) break;
    await recountBatch(pool, target, run, batch);
    after = batch.number;
  }
  return counted;
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
  await saveRecount(pool, run.id, { ...range, mark, token }, rows);
}
