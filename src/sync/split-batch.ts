/**
 * A merged batch that has outgrown its size is cut, so that what counts it stays as small as it was: each edit of one of its
 * rows has it counted again. The batch keeps the beginning of its range, the rest becomes another one, which is cut in turn.
 */

import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import type { NumberedRange } from '../ledger/batch/recount.ts';
import { splitMerged } from '../ledger/batch/split.ts';
import type { Run } from '../ledger/run/run.ts';
import { pageEndKey } from '../table/page-end-key.ts';
import type { Target } from '../table/backfill-target.ts';

/** Rows of a batch behind a condition: it may be met by few of them, and all of them are read. */
const CONDITIONAL_ROWS = 10_000;
/** Batches grow by so much before they are cut. */
const GROWTH = 2;

/** @returns what is left of the batch; the rest is marked to be counted, as the batch is. */
export async function splitBatch(
  pool: Pool,
  target: Target,
  run: Run,
  batch: NumberedRange,
): Promise<NumberedRange> {
  const rows = target.where === '(true)' ? run.batchRows : Math.max(run.batchRows, CONDITIONAL_ROWS);
  if ((await pageEndKey(pool, target, batch, GROWTH * rows)) === null) return batch;
  const cut = await pageEndKey(pool, target, batch, rows);
  if (cut === null) return batch;
  const done = await inTransaction(pool, LEDGER_LIMITS, (client) => splitMerged(client, run.id, batch, cut));
  return done ? { ...batch, upper: cut } : batch;
}
