/**
 * Finds rows that need work by their text hash, where nobody has captured them: without a trigger, and before the gate,
 * for rows that a long transaction committed behind the planner. Only in ranges whose batch is merged: the others are
 * still to be read by their batch.
 */

import type { Pool } from '../db/pool.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { nextMerged } from '../ledger/batch/recount.ts';
import { noteMissedRows, noteQuarantinedGone } from '../ledger/changes/note-rows.ts';
import {
  SWEEP_START,
  beginSweep,
  saveSweep,
  type SweepCursor,
  type SweepPace,
} from '../ledger/changes/sweep-position.ts';
import { quarantinedKeys } from '../ledger/rows/quarantine.ts';
import type { Run } from '../ledger/run/run.ts';
import { readingOfRun, withReadableRows, type Reading } from '../pipeline/unreadable-rows.ts';
import { pageEndKey } from '../table/page-end-key.ts';
import type { KeyRange } from '../table/key-range.ts';
import type { Target } from '../table/backfill-target.ts';

/** Rows that one statement reads and hashes. */
const PAGE_ROWS = 2000;

export interface SweepInput {
  pool: Pool;
  target: Target;
  run: Run;
}

/** One pass over everything that is merged. @returns changes that were noted. */
export async function sweepAll(input: SweepInput, signal?: AbortSignal): Promise<number> {
  let found = 0;
  for (let cursor: SweepCursor | null = SWEEP_START; cursor !== null;) {
    if (signal?.aborted === true) break;
    const page = await sweepPage(input, cursor);
    found += page.found;
    cursor = page.next;
  }
  return found;
}

/** Of its time, what a sweep takes that is not urgent: it reads and hashes every text of the table. */
const SLOW_SHARE = 0.1;

/**
 * Goes on with the sweep that is due, for at most `budgetMs`, and no further than `mayGo` lets it: the table comes first.
 * @returns changes that were noted.
 */
export async function sweepSome(
  input: SweepInput,
  pace: SweepPace,
  budgetMs: number,
  mayGo: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<number> {
  const { pool, run } = input;
  let found = 0;
  const sweep = await beginSweep(pool, run, pace);
  const end = performance.now() + budgetMs * (sweep?.urgent === false ? SLOW_SHARE : 1);
  let cursor: SweepCursor | null = sweep;
  while (cursor !== null && (await mayGo())) {
    const page = await sweepPage(input, cursor);
    found += page.found;
    cursor = page.next;
    await saveSweep(pool, run, cursor);
    if (signal?.aborted === true || performance.now() >= end) break;
  }
  return found;
}

/**
 * A partition that was not there before, if it is small. One that was attached brings rows that no trigger has seen; one
 * that was made empty has none, and is not worth a sweep of the whole table.
 * @returns whether it is done with; false where there is more of it
 */
export async function sweepPart({ pool, run }: SweepInput, part: Target, maxPages: number): Promise<boolean> {
  let lower: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const end: string | null = await pageEndKey(pool, part, { lower, upper: null }, PAGE_ROWS);
    const range = { lower, upper: end };
    await noteRange(readingOfRun(pool, part, run), range, false);
    if (end === null) return true;
    lower = end;
  }
  return false;
}

/** Two workers at the same page note the same keys twice, which costs a look. */
async function sweepPage(
  { pool, target, run }: SweepInput,
  cursor: SweepCursor,
): Promise<{ found: number; next: SweepCursor | null }> {
  const batch = await nextMerged(pool, run.id, cursor.batch);
  const reading = readingOfRun(pool, target, run);
  const noted = cursor.batch === SWEEP_START.batch ? await noteQuarantined(reading) : 0;
  if (batch === null) return { found: noted, next: null };
  const lower = batch.number === cursor.batch && cursor.key !== null ? cursor.key : batch.lower;
  const end = await pageEndKey(pool, target, { lower, upper: batch.upper }, PAGE_ROWS);
  const range = { lower, upper: end ?? batch.upper };
  return {
    found: noted + (await noteRange(reading, range)),
    next: end === null ? { batch: batch.number + 1, key: null } : { batch: batch.number, key: end },
  };
}

/** Rows to embed, and staged rows without their legacy row (not of a part alone), that no change stands for yet. */
const noteRange = (reading: Reading, range: KeyRange, orphans = true): Promise<number> =>
  withReadableRows(reading, range, () =>
    inTransaction(reading.pool, TABLE_LIMITS, (client) =>
      noteMissedRows(client, reading.target, reading.fingerprint, range, orphans),
    ),
  );

/** There are few of them, and their keys are kept as text, in no order of the table's. */
async function noteQuarantined(reading: Reading): Promise<number> {
  const { pool, target } = reading;
  const keys = await quarantinedKeys(pool, target.backfill);
  return withReadableRows(reading, { lower: null, upper: null, keys }, () =>
    noteQuarantinedGone(pool, target),
  );
}
