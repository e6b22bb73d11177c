/** The table in buckets of consecutive eligible keys, a page at a time. */

import type { Queryable } from '../db/pool.ts';
import { keyAliases, keyOrderSql, keyTextSql } from '../table/key.ts';
import { readableTable, rowStatesSql } from '../ledger/rows/row-state.ts';
import { orderedKeysSql, type KeyRange } from '../table/key-range.ts';
import { pageEndKey } from '../table/page-end-key.ts';
import type { Target } from '../table/backfill-target.ts';

/** Keys that one planning statement looks at: about a second of reading, a few thousand bytes of answer. */
const PAGE_ROWS = 500_000;
/** The same where texts are read and hashed, or a condition is computed: it may be met by none of them. */
const COMPUTED_ROWS = 20_000;

/** What one bucket of consecutive eligible keys holds. */
export interface Bucket {
  /** From 0; the first one goes on with the bucket that the page before has left open. */
  at: number;
  first: string;
  /** Of the last bucket of an answer; null of the others. */
  last: string | null;
  rows: number;
  embedded: number;
  skipped: number;
  quarantined: number;
  truncated: number;
  adopted: number;
  passages: number;
}

export interface PlanOptions {
  batchRows: number;
  /** Only the first rows by key; null = all. */
  limitRows: number | null;
  /** Whether some rows may be done already, so that their state has to be looked at. */
  resuming: boolean;
  fingerprint: string;
  /** Nothing is written, and there may be no ledger to look at: a row on which the condition raises is an error. */
  preview?: boolean;
  /** After each page: rows that are planned so far. */
  onRows?: ((rows: number) => void) | undefined;
}

export interface Page {
  buckets: Bucket[];
  /** Last key that was looked at. */
  cursor: string | null;
  last: boolean;
}

/** Reads texts of the range and may be begun again. */
type Around = <T>(range: KeyRange, work: () => Promise<T>) => Promise<T>;

/**
 * The next buckets behind `after`, of at most `room` rows; the first takes what `filled` leaves of it. One index-only pass
 * where nothing is done yet and every row is eligible; else so many keys at a time, whether they are eligible or not.
 */
async function readPage(
  db: Queryable,
  target: Target,
  options: PlanOptions,
  around: Around,
  { after, isAfter, filled, room }: { after: string | null; isAfter: boolean; filled: number; room: number },
): Promise<Page> {
  if (room <= 0) return { buckets: [], cursor: after, last: true };
  const start = { lower: after, isAfter };
  if (!options.resuming && target.where === '(true)') {
    const rows = Math.min(PAGE_ROWS, room);
    const buckets = await readBuckets(db, target, options, { ...start, upper: null }, filled, rows);
    const cursor = buckets.at(-1)?.last ?? after;
    return { buckets, cursor, last: countRows(buckets) < PAGE_ROWS };
  }
  // The last one of the page; null where the table ends before.
  const end = await pageEndKey(db, target, { ...start, upper: null }, COMPUTED_ROWS - 1);
  const range = { ...start, upper: end, isThrough: true };
  const buckets = await around(range, () => readBuckets(db, target, options, range, filled, room));
  const last = end === null || countRows(buckets) >= room;
  return { buckets, cursor: last ? (buckets.at(-1)?.last ?? after) : end, last };
}

export const countRows = (buckets: readonly Bucket[]): number =>
  buckets.reduce((sum, bucket) => sum + bucket.rows, 0);

async function readBuckets(
  db: Queryable,
  target: Target,
  options: PlanOptions,
  range: KeyRange,
  filled: number,
  rows: number,
): Promise<Bucket[]> {
  const values: unknown[] = [];
  const aliases = keyAliases(target);
  const order = keyOrderSql(target, aliases);
  // The range bounds legacy and staging table alike, so that each page costs a page, wherever in the table it is.
  const freshKeys = (): string => {
    const { from, eligible } =
      options.preview === true || target.where === '(true)'
        ? { from: target.table, eligible: target.where }
        : readableTable(target, `$${values.push(target.backfill)}`);
    const keys = orderedKeysSql(target, range, values, { from, condition: eligible });
    return `SELECT *, 'missing' AS state, false AS truncated, false AS adopted, 0 AS passages FROM (${keys}) fresh`;
  };
  const keys = options.resuming
    ? `SELECT ${aliases.join(', ')}, state, truncated, adopted, passages FROM (${rowStatesSql(target, options.fingerprint, range, values)}) all_rows ORDER BY ${order}`
    : freshKeys();
  const limited = Number.isFinite(rows) ? `${keys} LIMIT $${values.push(rows)}` : keys;
  const place = `row_number() OVER (ORDER BY ${order}) - 1 + $${values.push(filled)}::int`;
  const batchRows = `$${values.push(options.batchRows)}::int`;
  // The text of a key is made of the first and last ones alone.
  const keyText = keyTextSql(target, aliases);
  const found = await db.query<Bucket>(
    `SELECT (place / ${batchRows})::int AS at, max(first COLLATE "C") AS first, max(last COLLATE "C") AS last, count(*)::float8 AS rows,
            count(*) FILTER (WHERE state = 'embedded')::float8 AS embedded,
            count(*) FILTER (WHERE state = 'skipped')::float8 AS skipped,
            count(*) FILTER (WHERE state = 'quarantined')::float8 AS quarantined,
            count(*) FILTER (WHERE state = 'embedded' AND truncated)::float8 AS truncated,
            count(*) FILTER (WHERE state = 'embedded' AND adopted)::float8 AS adopted,
            coalesce(sum(passages) FILTER (WHERE state = 'embedded'), 0)::float8 AS passages
       FROM (SELECT state, truncated, adopted, passages, place,
                    CASE WHEN place % ${batchRows} = 0 OR place = $${values.push(filled)}::int THEN ${keyText} END AS first,
                    CASE WHEN is_last THEN ${keyText} END AS last
               FROM (SELECT *, ${place} AS place, lead(false, 1, true) OVER (ORDER BY ${order}) AS is_last FROM (${limited}) k) numbered) n
      GROUP BY 1 ORDER BY 1`,
    values,
  );
  return found.rows;
}

export interface WalkStart {
  /** Key to begin with, or behind; null: at the first. */
  cursor: string | null;
  isAfter: boolean;
  seen: number;
  /** Rows of the bucket that is open there. */
  filled: number;
}

/** Walks the whole table; `onPage` gets each page. */
export async function walk(
  db: Queryable,
  target: Target,
  options: PlanOptions,
  around: Around,
  start: WalkStart,
  onPage: (page: Page) => Promise<void>,
): Promise<void> {
  let { cursor, isAfter, seen, filled } = start;
  for (;;) {
    const room = options.limitRows === null ? Infinity : options.limitRows - seen;
    const page = await readPage(db, target, options, around, { after: cursor, isAfter, filled, room });
    isAfter = true;
    const rows = countRows(page.buckets);
    cursor = page.cursor;
    seen += rows;
    filled = (filled + rows) % options.batchRows;
    options.onRows?.(seen);
    await onPage(page);
    if (page.last) return;
  }
}
