/** Splits the table into key ranges by row count, a page of keys at a time: memory does not grow with the table. */

import type { Pool, Queryable } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { BackfillError } from '../errors.ts';
import { insertBatches, lastBatch, type PlannedBatch } from '../ledger/batch/batch.ts';
import { mergePlanned } from '../ledger/batch/merge-planned.ts';
import { movePlan } from '../ledger/run/plan-position.ts';
import type { Run } from '../ledger/run/run.ts';
import { allAfter } from '../table/key-range.ts';
import { pageEndKey } from '../table/page-end-key.ts';
import { readingOfRun, withReadableRows } from '../pipeline/unreadable-rows.ts';
import type { Target } from '../table/backfill-target.ts';
import { countRows, walk, type Bucket, type PlanOptions } from './plan-pages.ts';

export type { PlanOptions } from './plan-pages.ts';

export interface PlanTotals {
  rows: number;
  batches: number;
}

/** What a plan would be, without writing anything. */
export async function previewPlan(db: Queryable, target: Target, options: PlanOptions): Promise<PlanTotals> {
  const totals: PlanTotals = { rows: 0, batches: 0 };
  const start = { cursor: null, isAfter: true, seen: 0, filled: 0 };
  await walk(
    db,
    target,
    { ...options, preview: true },
    (_range, work) => work(),
    start,
    async ({ buckets }) => {
      totals.rows += countRows(buckets);
      // What comes to an empty table needs a place, too.
      totals.batches = Math.max(1, Math.ceil(totals.rows / options.batchRows));
      await Promise.resolve();
    },
  );
  return totals;
}

/** The batch that is still to get its end, and what was counted in it; null where an earlier planner counted a part of it. */
interface Open {
  batch: PlannedBatch;
  counts: Omit<Bucket, 'at' | 'first' | 'last'> | null;
  /**
   * Of a canary that found no row behind its own: the batch stands open, as rows may come. Those that came begin another batch
   * where it is merged; where it is not, it is still to read them.
   */
  planned?: 'merged' | 'unmerged';
}

/**
 * Writes the batches of a run. The ranges are half-open and touch each other; the first begins and the last ends open,
 * so that no key is outside of all of them. Each page is a transaction that also moves the cursor: a planner that was
 * killed goes on where it stood.
 * @returns rows that need work, of those that this call has planned
 */
export async function planRun(pool: Pool, target: Target, run: Run, options: PlanOptions): Promise<number> {
  const previous = await lastBatch(pool, run.id);
  let number = previous?.number ?? 0;
  let toDo = 0;
  const reading = readingOfRun(pool, target, run);
  // The last batch of a canary is complete, and the next one begins at its end; of a plan that was cut short it is open, and
  // no job knows of it yet.
  const isOpenEnded = previous !== null && previous.upper === null;
  const isCut = isOpenEnded && run.plannedAt === null;
  const behind = previous?.upper ?? null;
  let open: Open | null = isCut
    ? { batch: previous, counts: null }
    : isOpenEnded
      ? { batch: previous, counts: null, planned: previous.isMerged ? 'merged' : 'unmerged' }
      : null;
  let known = run.planCursor;
  await walk(
    pool,
    target,
    options,
    (range, work) => withReadableRows(reading, range, work),
    {
      cursor: behind ?? run.planCursor,
      // What came between the canary's last row and the next one is its own.
      isAfter: behind === null,
      seen: run.rowsPlanned,
      filled: isCut ? previous.rows % options.batchRows : 0,
    },
    async ({ buckets, cursor, last }) => {
      // A canary ends where the next row begins; a whole plan is open at its end for rows that are still to come.
      const end =
        !last || options.limitRows === null || cursor === null
          ? null
          : await pageEndKey(pool, target, allAfter(cursor), 0);
      // Kept only once it is committed: the work is done again where that was not heard, and finds the plan moved on.
      const page = await inTransaction(pool, LEDGER_LIMITS, async (client) => {
        const planned: PlannedBatch[] = [];
        const done: (Bucket & { number: number })[] = [];
        let next = number;
        let tail = open;
        const close = (upper: string | null): void => {
          if (tail === null) return;
          planned.push({ ...tail.batch, upper });
          const { counts } = tail;
          const isEmpty = tail.batch.number === 1 && tail.batch.rows === 0;
          if ((options.resuming || isEmpty) && counts !== null && workOf(counts) === 0)
            done.push({ at: 0, first: '', last: '', ...counts, number: tail.batch.number });
        };
        for (const bucket of buckets) {
          if (tail !== null && (bucket.at === 0 || tail.planned !== undefined) && isOpen(tail, options))
            tail = extended(tail, bucket);
          else {
            close(bucket.first);
            next += 1;
            const lower = next === 1 ? null : tail === null ? (behind ?? bucket.first) : bucket.first;
            tail = { batch: { number: next, lower, upper: null, rows: bucket.rows }, counts: bucket };
          }
        }
        if (last && tail === null && (next === 0 || (behind !== null && options.limitRows === null))) {
          // No row takes part yet, or a canary of all there is: what comes needs a place, and is counted there.
          next += 1;
          tail = {
            batch: { number: next, lower: next === 1 ? null : behind, upper: null, rows: 0 },
            counts: NO_ROWS,
          };
        }
        if (last) close(end);
        else if (tail !== null) planned.push(tail.batch);
        await insertBatches(client, run.id, planned);
        await mergePlanned(client, run.id, done);
        const moved = await movePlan(client, run.id, {
          from: known,
          to: cursor,
          isComplete: last,
          batches: next,
          rows: countRows(buckets),
        });
        // This one was frozen for longer than its turn lasts, or has not heard that its page was committed.
        if (!moved)
          throw new BackfillError(`The plan of run ${run.id} was moved on by another process.`, {
            code: 'PLAN_OVERTAKEN',
            remedy: 'Run `pgvector-backfill enqueue` again: it goes on where the plan stands.',
          });
        return { next, tail };
      });
      known = cursor;
      number = page.next;
      open = page.tail;
      toDo += buckets.reduce((sum, bucket) => sum + workOf(bucket), 0);
    },
  );
  return toDo;
}

const NO_ROWS = { rows: 0, embedded: 0, skipped: 0, quarantined: 0, truncated: 0, adopted: 0, passages: 0 };

/** Of a bucket of this plan that a page has left part-filled. */
const isOpen = ({ batch, planned }: Open, { batchRows }: PlanOptions): boolean =>
  planned === undefined ? batch.upper === null && batch.rows % batchRows !== 0 : planned === 'unmerged';

const workOf = (counts: Omit<Bucket, 'at' | 'first' | 'last'>): number =>
  counts.rows - counts.embedded - counts.skipped - counts.quarantined;

function extended({ batch, counts, ...rest }: Open, more: Bucket): Open {
  return {
    ...rest,
    batch: { ...batch, rows: batch.rows + more.rows },
    counts:
      counts === null
        ? null
        : {
            rows: counts.rows + more.rows,
            embedded: counts.embedded + more.embedded,
            skipped: counts.skipped + more.skipped,
            quarantined: counts.quarantined + more.quarantined,
            truncated: counts.truncated + more.truncated,
            adopted: counts.adopted + more.adopted,
            passages: counts.passages + more.passages,
          },
  };
}
