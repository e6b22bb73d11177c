/** Merged batches, whose rows sync and sweeps look after: which are to be counted again, and what was counted. */

import type { Queryable } from '../../db/pool.ts';
import type { KeyRange } from '../../table/key-range.ts';
import { keyAliases, keyBeforeSql, keyListSql, parsedKeySql, type Keyed } from '../../table/key.ts';
import type { Accounting } from '../rows/accounting.ts';

export interface NumberedRange extends KeyRange {
  number: number;
}

/** The first one from that number on; null where there is none. */
export async function nextMerged(db: Queryable, run: string, from: number): Promise<NumberedRange | null> {
  const found = await db.query<NumberedRange>(
    `SELECT number, lower_key AS lower, upper_key AS upper FROM pgvector_backfill.batch
      WHERE run = $1 AND number >= $2 AND state = 'merged' ORDER BY number LIMIT 1`,
    [run, from],
  );
  return found.rows[0] ?? null;
}

/**
 * Marks the batches of these keys, also those that are marked: a count that is under way has not seen these rows, and takes
 * away no mark but the one that it began with. Their bounds are kept as text, which has no order of keys; but their numbers
 * have, so each key's batch is found by halves. Where the batch was cut as the table grew, the part of it is looked for.
 */
export async function markForRecount(
  db: Queryable,
  target: Keyed,
  run: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const values: unknown[] = [run];
  const list = keyListSql(target, keys, values, 'k');
  const key = keyAliases(target, 's.');
  const startsBefore = (batch: string): string =>
    keyBeforeSql(target, parsedKeySql(target, `${batch}.lower_key`), key, true);
  await db.query(
    `WITH RECURSIVE search AS (
       SELECT ${keyAliases(target, 'k.').join(', ')}, 1 AS low, r.batches_planned AS high
         FROM ${list}, pgvector_backfill.run r WHERE r.id = $1
       UNION ALL
       SELECT ${key.join(', ')}, CASE WHEN ${startsBefore('b')} THEN b.number ELSE s.low END,
              CASE WHEN ${startsBefore('b')} THEN s.high ELSE b.number - 1 END
         FROM search s JOIN pgvector_backfill.batch b ON b.run = $1 AND b.number = (s.low + s.high + 1) / 2
        WHERE s.low < s.high)
     UPDATE pgvector_backfill.batch SET recount = true, recount_mark = recount_mark + 1
      WHERE run = $1 AND state = 'merged' AND number IN (
        SELECT coalesce((SELECT p.number FROM pgvector_backfill.batch p
                          WHERE p.run = $1 AND p.part_of = s.low AND ${startsBefore('p')}
                            AND (p.upper_key IS NULL OR ${keyBeforeSql(target, key, parsedKeySql(target, 'p.upper_key'))}) LIMIT 1), s.low)
          FROM search s WHERE s.low = s.high)`,
    values,
  );
}

export interface MarkedBatch extends NumberedRange {
  mark: number;
  token: number;
}

/** The first one behind that number; null where there is none. */
export async function nextMarked(db: Queryable, run: string, after: number): Promise<MarkedBatch | null> {
  const found = await db.query<MarkedBatch>(
    `SELECT number, lower_key AS lower, upper_key AS upper, recount_mark AS mark, token FROM pgvector_backfill.batch
      WHERE run = $1 AND recount AND state = 'merged' AND number > $2 ORDER BY number LIMIT 1`,
    [run, after],
  );
  return found.rows[0] ?? null;
}

/** Neither a mark that came meanwhile is taken away, nor the count of a batch that was opened and merged again, or cut. */
export async function saveRecount(
  db: Queryable,
  run: string,
  { number, upper, mark, token }: MarkedBatch,
  rows: Accounting,
): Promise<void> {
  await db.query(
    `UPDATE pgvector_backfill.batch SET rows = $4, eligible = $4, embedded = $5, skipped = $6, quarantined = $7, changed = $8,
            truncated = $9, adopted = $12, passages = $13, recount = recount_mark <> $3
      WHERE run = $1 AND number = $2 AND token = $10 AND state = 'merged' AND upper_key IS NOT DISTINCT FROM $11`,
    [
      run,
      number,
      mark,
      rows.eligible,
      rows.embedded,
      rows.skipped,
      rows.quarantined,
      rows.missing + rows.stale,
      rows.truncated,
      token,
      upper,
      rows.adopted,
      rows.passages,
    ],
  );
}
