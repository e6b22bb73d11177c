/** The table in buckets of consecutive eligible keys, a page at a time. */

import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { edgeKeySql, keyBehind } from '../table/key.ts';
import { readableTable, rowStatesSql } from '../ledger/rows/row-state.ts';
import { rangeSql, type KeyRange } from '../table/key-range.ts';
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
  { after, filled, room }: { after: string | null; filled: number; room: number },
): Promise<Page> {
  const lower = after === null ? null : keyBehind(target.keyType, after);
  if (room <= 0 || (after !== null && lower === null)) return { buckets: [], cursor: after, last: true };
  if (!options.resuming && target.where === '(true)') {
    const rows = Math.min(PAGE_ROWS, room);
    const buckets = await readBuckets(db, target, options, { lower, upper: null }, filled, rows);
    const cursor = buckets.at(-1)?.last ?? after;
    return { buckets, cursor, last: countRows(buckets) < PAGE_ROWS };
  }
  const end = await lastKey(db, target, lower);
  const range = { lower, upper: end === null ? null : keyBehind(target.keyType, end) };
  const buckets = await around(range, () => readBuckets(db, target, options, range, filled, room));
  const last = end === null || countRows(buckets) >= room;
  return { buckets, cursor: last ? (buckets.at(-1)?.last ?? after) : end, last };
}

/** Of a page of computed rows; null where the table ends before. */
async function lastKey(db: Queryable, target: Target, lower: string | null): Promise<string | null> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const values: unknown[] = [];
  const found = await db.query<{ key: string }>(
    `SELECT ${key}::text AS key FROM ${target.table} WHERE ${rangeSql(target, key, { lower, upper: null }, values)}
      ORDER BY ${key} OFFSET ${COMPUTED_ROWS - 1} LIMIT 1`,
    values,
  );
  return found.rows[0]?.key ?? null;
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
  const key = `${target.ref}.${quoteName(target.key)}`;
  const values: unknown[] = [];
  // The range bounds legacy and staging table alike, so that each page costs a page, wherever in the table it is.
  const freshKeys = (): string => {
    const { from, eligible } =
      options.preview === true || target.where === '(true)'
        ? { from: target.table, eligible: target.where }
        : readableTable(target, `$${values.push(target.backfill)}`);
    return `SELECT ${key} AS key, 'missing' AS state, false AS truncated FROM ${from} WHERE ${eligible} AND ${rangeSql(target, key, range, values)} ORDER BY 1`;
  };
  const keys = options.resuming
    ? `SELECT key, state, truncated FROM (${rowStatesSql(target, options.fingerprint, range, values)}) all_rows ORDER BY key`
    : freshKeys();
  const limited = Number.isFinite(rows) ? `${keys} LIMIT $${values.push(rows)}` : keys;
  const bucket = `(row_number() OVER (ORDER BY key) - 1 + $${values.push(filled)}::int) / $${values.push(options.batchRows)}::int`;
  const found = await db.query<Bucket>(
    `SELECT bucket::int AS at, ${edgeKeySql(target.keyType, 'min', 'key')} AS first, ${edgeKeySql(target.keyType, 'max', 'key')} AS last, count(*)::float8 AS rows,
            count(*) FILTER (WHERE state = 'embedded')::float8 AS embedded,
            count(*) FILTER (WHERE state = 'skipped')::float8 AS skipped,
            count(*) FILTER (WHERE state = 'quarantined')::float8 AS quarantined,
            count(*) FILTER (WHERE state = 'embedded' AND truncated)::float8 AS truncated
       FROM (SELECT key, state, truncated, ${bucket} AS bucket FROM (${limited}) k) n
      GROUP BY bucket ORDER BY bucket`,
    values,
  );
  return found.rows;
}

/** Walks the whole table; `onPage` gets each page. @param filled rows of the bucket that is open at `start` */
export async function walk(
  db: Queryable,
  target: Target,
  options: PlanOptions,
  around: Around,
  start: { cursor: string | null; seen: number; filled: number },
  onPage: (page: Page) => Promise<void>,
): Promise<void> {
  let { cursor, seen, filled } = start;
  for (;;) {
    const room = options.limitRows === null ? Infinity : options.limitRows - seen;
    const page = await readPage(db, target, options, around, { after: cursor, filled, room });
    const rows = countRows(page.buckets);
    cursor = page.cursor;
    seen += rows;
    filled = (filled + rows) % options.batchRows;
    options.onRows?.(seen);
    await onPage(page);
    if (page.last) return;
  }
}
