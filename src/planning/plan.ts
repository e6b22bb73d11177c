/** Splits the table into key ranges by row count, a page of keys at a time: memory does not grow with the table. */

import { quoteName } from '../db/identifiers.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { BackfillError } from '../errors.ts';
import { insertBatches, lastBatch, type PlannedBatch } from '../ledger/batch.ts';
import type { Run } from '../ledger/run.ts';
import { edgeKeySql, keyBehind } from '../table/key.ts';
import { rangeSql, rowStatesSql } from '../table/row-state.ts';
import type { Target } from '../table/target.ts';

/** Keys that one planning statement looks at: about a second of reading, a few thousand bytes of answer. */
const PAGE_ROWS = 500_000;

/** What one bucket of consecutive eligible keys holds. */
interface Bucket {
  first: string;
  last: string;
  rows: number;
  embedded: number;
  skipped: number;
  quarantined: number;
  truncated: number;
}

export interface PlanOptions {
  batchRows: number;
  /** Only the first rows by key; null = all. */
  limitRows: number | null;
  /** Whether some rows may be done already, so that their state has to be looked at. */
  resuming: boolean;
  fingerprint: string;
  /** After each page: rows that are planned so far. */
  onRows?: ((rows: number) => void) | undefined;
}

/** Buckets of `batchRows` keys behind `after`; one index-only pass where nothing is done yet and every row is eligible. */
async function readBuckets(
  db: Queryable,
  target: Target,
  options: PlanOptions,
  after: string | null,
  rows: number,
): Promise<Bucket[]> {
  const lower = after === null ? null : keyBehind(target.keyType, after);
  if (after !== null && lower === null) return [];
  const range = { lower, upper: null };
  const key = `${target.ref}.${quoteName(target.key)}`;
  const values: unknown[] = [];
  // The range bounds legacy and staging table alike, so that each page costs a page, wherever in the table it is.
  const keys = options.resuming
    ? `SELECT key, state, truncated FROM (${rowStatesSql(target, options.fingerprint, range, values)}) all_rows ORDER BY key LIMIT $${values.push(rows)}`
    : `SELECT ${key} AS key, 'missing' AS state, false AS truncated FROM ${target.table}
        WHERE ${target.where} AND ${rangeSql(target, key, range, values)} ORDER BY 1 LIMIT $${values.push(rows)}`;
  const found = await db.query<Bucket>(
    `SELECT ${edgeKeySql(target.keyType, 'min', 'key')} AS first, ${edgeKeySql(target.keyType, 'max', 'key')} AS last, count(*)::float8 AS rows,
            count(*) FILTER (WHERE state = 'embedded')::float8 AS embedded,
            count(*) FILTER (WHERE state = 'skipped')::float8 AS skipped,
            count(*) FILTER (WHERE state = 'quarantined')::float8 AS quarantined,
            count(*) FILTER (WHERE state = 'embedded' AND truncated)::float8 AS truncated
       FROM (SELECT key, state, truncated, (row_number() OVER (ORDER BY key) - 1) / $${values.push(options.batchRows)}::int AS bucket FROM (${keys}) k) n
      GROUP BY bucket ORDER BY bucket`,
    values,
  );
  return found.rows;
}

export interface PlanTotals {
  rows: number;
  batches: number;
}

/** Walks the whole table; `onPage` gets each page's buckets and whether it is the last one. */
async function walk(
  db: Queryable,
  target: Target,
  options: PlanOptions,
  start: string | null,
  onPage: (buckets: Bucket[], cursor: string | null, last: boolean) => Promise<void>,
  seenRows: number,
): Promise<void> {
  // A whole number of buckets, so that a page's end cuts none short.
  const pageRows = Math.max(1, Math.floor(PAGE_ROWS / options.batchRows)) * options.batchRows;
  let cursor = start;
  let seen = seenRows;
  for (;;) {
    const room = options.limitRows === null ? pageRows : Math.min(pageRows, options.limitRows - seen);
    const buckets = room <= 0 ? [] : await readBuckets(db, target, options, cursor, room);
    const rows = buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
    const last = rows < pageRows;
    cursor = buckets.at(-1)?.last ?? cursor;
    seen += rows;
    options.onRows?.(seen);
    await onPage(buckets, cursor, last);
    if (last) return;
  }
}

/** What a plan would be, without writing anything. */
export async function previewPlan(db: Queryable, target: Target, options: PlanOptions): Promise<PlanTotals> {
  const totals: PlanTotals = { rows: 0, batches: 0 };
  await walk(
    db,
    target,
    options,
    null,
    async (buckets) => {
      totals.batches += buckets.length;
      for (const bucket of buckets) totals.rows += bucket.rows;
      await Promise.resolve();
    },
    0,
  );
  return totals;
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
  let open: PlannedBatch | null = previous;
  let toDo = 0;
  let known = run.planCursor;
  await walk(
    pool,
    target,
    options,
    run.planCursor,
    async (buckets, cursor, last) => {
      await inTransaction(pool, LEDGER_LIMITS, async (client) => {
        const planned: PlannedBatch[] = [];
        const done: (Bucket & { number: number })[] = [];
        let next = number;
        let tail = open;
        for (const bucket of buckets) {
          if (tail !== null) planned.push({ ...tail, upper: bucket.first });
          next += 1;
          tail = { number: next, lower: next === 1 ? null : bucket.first, upper: null, rows: bucket.rows };
          if (bucket.embedded + bucket.skipped + bucket.quarantined === bucket.rows && options.resuming)
            done.push({ ...bucket, number: next });
        }
        // A canary ends behind its last row; a whole plan is open at its end for rows that are still to come.
        const end = options.limitRows === null || cursor === null ? null : keyBehind(target.keyType, cursor);
        const closed = tail !== null && last ? { ...tail, upper: end } : tail;
        if (closed !== null) planned.push(closed);
        await insertBatches(client, run.id, planned);
        await closeDone(client, run.id, done);
        const moved = await client.query(
          `UPDATE pgvector_backfill.run SET plan_cursor = $2, planned_at = CASE WHEN $3 THEN now() END,
                  batches_planned = $4, rows_planned = rows_planned + $5 WHERE id = $1 AND plan_cursor IS NOT DISTINCT FROM $6`,
          [run.id, cursor, last, next, buckets.reduce((sum, bucket) => sum + bucket.rows, 0), known],
        );
        // This one was frozen for longer than its turn lasts, or has not heard that its page was committed.
        if (moved.rowCount === 0)
          throw new BackfillError(`The plan of run ${run.id} was moved on by another process.`, {
            code: 'PLAN_OVERTAKEN',
            remedy: 'Run `npm run enqueue` again: it goes on where the plan stands.',
          });
        known = cursor;
        number = next;
        open = tail;
      });
      for (const { rows, embedded, skipped, quarantined } of buckets)
        toDo += rows - embedded - skipped - quarantined;
    },
    run.rowsPlanned,
  );
  return toDo;
}

/** Ranges without work are merged from the start, with what was counted in them. */
async function closeDone(
  db: Queryable,
  run: string,
  done: readonly (Bucket & { number: number })[],
): Promise<void> {
  if (done.length === 0) return;
  await db.query(
    `UPDATE pgvector_backfill.batch b SET state = 'merged', merged_at = now(), eligible = d.eligible, embedded = d.embedded,
            skipped = d.skipped, quarantined = d.quarantined, truncated = d.truncated
       FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS d (number, eligible, embedded, skipped, quarantined, truncated)
      WHERE b.run = $1 AND b.number = d.number`,
    [
      run,
      done.map((d) => d.number),
      done.map((d) => d.rows),
      done.map((d) => d.embedded),
      done.map((d) => d.skipped),
      done.map((d) => d.quarantined),
      done.map((d) => d.truncated),
    ],
  );
}
