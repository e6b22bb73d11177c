/** Rows that cannot be embedded as they are: quarantined with the reason, found again by an edit of their text. */

import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { utf8, utf8Sql } from '../../db/utf8-text.ts';
import { assertWritten } from './assert-written.ts';

/** For messages: whoever wants to know more looks there. */
export const QUARANTINE_TABLE = `${LEDGER_SCHEMA}.quarantine`;

/**
 * `row`: the model makes no usable vector of the text; `too-long`: left without a vector by the operator's choice, and
 * counted as skipped; `refused`: the table takes no UPDATE of the row, which keeps what vector it has; `unreadable`: the
 * operator's text or condition raises on the row, or its bytes are no text.
 */
export type QuarantineClass = 'row' | 'too-long' | 'refused' | 'unreadable';

export interface QuarantinedRow {
  key: string;
  class: QuarantineClass;
  reason: string;
  /** Empty where the text could not be read: no text has an empty hash. */
  textHash: Buffer;
  /** Of the row, where the text could not be read. */
  version?: string;
}

export async function quarantineRows(
  db: Queryable,
  backfill: string,
  batch: { run: string; number: number },
  rows: readonly QuarantinedRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const written = await db.query(
    `INSERT INTO pgvector_backfill.quarantine (backfill, key, run, batch, class, reason, text_hash, row_version)
     SELECT $1, key, $2, $3, class, ${utf8Sql('reason')}, text_hash, row_version
       FROM unnest($4::text[], $5::bytea[], $6::bytea[], $7::text[], $8::text[]) AS q (key, reason, text_hash, class, row_version)
     ON CONFLICT (backfill, key) DO UPDATE SET run = excluded.run, batch = excluded.batch, class = excluded.class,
       reason = excluded.reason, text_hash = excluded.text_hash, row_version = excluded.row_version, attempts = quarantine.attempts + 1, at = now()`,
    [
      backfill,
      batch.run,
      batch.number,
      rows.map((row) => row.key),
      rows.map((row) => utf8(row.reason)),
      rows.map((row) => row.textHash),
      rows.map((row) => row.class),
      rows.map((row) => row.version ?? null),
    ],
  );
  assertWritten('quarantine', rows.length, written.rowCount);
}

/** Rows that have got their vector after all. */
export async function releaseRows(db: Queryable, backfill: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await db.query('DELETE FROM pgvector_backfill.quarantine WHERE backfill = $1 AND key = ANY ($2)', [
    backfill,
    keys,
  ]);
}

/**
 * Rows quarantined are as good as never tried, but for the count of their attempts: no text has an empty hash. Those that
 * are too long by the operator's choice stay.
 * @param keys of these alone; null: of all
 * @returns their keys.
 */
export async function forgiveRows(
  db: Queryable,
  backfill: string,
  keys: readonly string[] | null = null,
): Promise<string[]> {
  const forgiven = await db.query<{ key: string }>(
    `UPDATE pgvector_backfill.quarantine SET text_hash = '', row_version = NULL WHERE backfill = $1 AND class <> 'too-long'
        AND ($2::text[] IS NULL OR key = ANY ($2)) RETURNING key`,
    [backfill, keys],
  );
  return forgiven.rows.map(({ key }) => key);
}

export interface ListedRow {
  key: string;
  class: QuarantineClass;
  reason: string;
  attempts: number;
  /** ISO 8601. */
  at: string;
}

/** The rows quarantined last, at most `limit`. */
export async function listQuarantine(db: Queryable, backfill: string, limit: number): Promise<ListedRow[]> {
  const listed = await db.query<Omit<ListedRow, 'at'> & { at: Date }>(
    `SELECT key, class, reason, attempts, at FROM pgvector_backfill.quarantine
      WHERE backfill = $1 AND class <> 'too-long' ORDER BY at DESC, key LIMIT $2`,
    [backfill, limit],
  );
  return listed.rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/** Quarantined rows, by class. */
export async function quarantineCounts(
  db: Queryable,
  backfill: string,
): Promise<Record<QuarantineClass, number>> {
  const found = await db.query<{ class: QuarantineClass; rows: number }>(
    'SELECT class, count(*)::float8 AS rows FROM pgvector_backfill.quarantine WHERE backfill = $1 GROUP BY class',
    [backfill],
  );
  const counts = { row: 0, 'too-long': 0, refused: 0, unreadable: 0 };
  for (const each of found.rows) counts[each.class] = each.rows;
  return counts;
}

/** Of all rows in quarantine, in no order. */
export async function quarantinedKeys(db: Queryable, backfill: string): Promise<string[]> {
  const found = await db.query<{ key: string }>(
    'SELECT key FROM pgvector_backfill.quarantine WHERE backfill = $1',
    [backfill],
  );
  return found.rows.map(({ key }) => key);
}

/** A page of those that may keep the vector of an earlier text or model, behind `after`: of the other classes a row with a vector is stale. */
export async function quarantinedWithVector(
  db: Queryable,
  backfill: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const found = await db.query<{ key: string }>(
    `SELECT key FROM pgvector_backfill.quarantine WHERE backfill = $1 AND class IN ('refused', 'unreadable') AND key > $2
      ORDER BY key LIMIT $3`,
    [backfill, after, limit],
  );
  return found.rows.map(({ key }) => key);
}
