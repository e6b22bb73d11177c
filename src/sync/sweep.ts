/**
 * Finds rows that need work by their text hash, where nobody has captured them: without a trigger, and before the gate,
 * for rows that a long transaction committed behind the planner. Only in ranges whose batch is merged: the others are
 * still to be read by their batch.
 */

import { quoteName } from '../db/identifiers.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { TABLE_LIMITS, inTransaction } from '../db/transaction.ts';
import { SWEEP_START, beginSweep, saveSweep, type SweepCursor } from '../ledger/sweep.ts';
import type { Run } from '../ledger/run.ts';
import { NEEDS_WORK, SET_ASIDE, STAGED, rangeSql, rowStatesSql, type KeyRange } from '../table/row-state.ts';
import type { Target } from '../table/target.ts';

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

/** Goes on with the sweep that is due, for at most `budgetMs`. @returns changes that were noted. */
export async function sweepSome(
  input: SweepInput,
  everySeconds: number,
  budgetMs: number,
  signal?: AbortSignal,
): Promise<number> {
  const { pool, run } = input;
  let found = 0;
  const end = performance.now() + budgetMs;
  let cursor = await beginSweep(pool, run, everySeconds);
  while (cursor !== null) {
    const page = await sweepPage(input, cursor);
    found += page.found;
    cursor = page.next;
    await saveSweep(pool, run, cursor);
    if (signal?.aborted === true || performance.now() >= end) break;
  }
  return found;
}

/** Two workers at the same page note the same keys twice, which costs a look. */
async function sweepPage(
  { pool, target, run }: SweepInput,
  cursor: SweepCursor,
): Promise<{ found: number; next: SweepCursor | null }> {
  const found = await pool.query<KeyRange & { number: number }>(
    `SELECT number, lower_key AS lower, upper_key AS upper FROM pgvector_backfill.batch
      WHERE run = $1 AND number >= $2 AND state = 'merged' ORDER BY number LIMIT 1`,
    [run.id, cursor.batch],
  );
  const batch = found.rows[0];
  const noted = cursor.batch === SWEEP_START.batch ? await noteQuarantined(pool, target) : 0;
  if (batch === undefined) return { found: noted, next: null };
  const lower = batch.number === cursor.batch && cursor.key !== null ? cursor.key : batch.lower;
  const end = await pageEnd(pool, target, { lower, upper: batch.upper });
  const range = { lower, upper: end ?? batch.upper };
  return {
    found: noted + (await noteRange(pool, target, run.fingerprint, range)),
    next: end === null ? { batch: batch.number + 1, key: null } : { batch: batch.number, key: end },
  };
}

/** First key behind the page; null where the range ends before. Read from the key's index alone. */
async function pageEnd(db: Queryable, target: Target, range: KeyRange): Promise<string | null> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const values: unknown[] = [];
  const found = await db.query<{ key: string }>(
    `SELECT ${key}::text AS key FROM ${target.table} WHERE ${rangeSql(target, key, range, values)}
      ORDER BY ${key} OFFSET ${PAGE_ROWS} LIMIT 1`,
    values,
  );
  return found.rows[0]?.key ?? null;
}

/** Rows to embed, and staged rows without their legacy row, that no change stands for yet. */
function noteRange(pool: Pool, target: Target, fingerprint: string, range: KeyRange): Promise<number> {
  const key = quoteName(target.key);
  return inTransaction(pool, TABLE_LIMITS, async (client) => {
    const values: unknown[] = [];
    const states = rowStatesSql(target, fingerprint, range, values);
    const staged = rangeSql(target, `${STAGED}.${key}`, range, values);
    const legacyRange = rangeSql(target, `${target.ref}.${key}`, range, values);
    const backfill = `$${values.push(target.backfill)}`;
    const noted = await client.query(
      `INSERT INTO pgvector_backfill.change (backfill, key)
       SELECT ${backfill}, f.key FROM (
         SELECT rows.key::text AS key FROM (${states}) rows WHERE state IN ${NEEDS_WORK}
         UNION ALL
         SELECT ${STAGED}.${key}::text FROM ${target.stage} ${STAGED} WHERE ${staged}
            AND NOT EXISTS (SELECT 1 FROM ${target.table} WHERE ${legacyRange} AND ${target.ref}.${key} = ${STAGED}.${key} AND ${target.where})) f
        WHERE NOT EXISTS (SELECT 1 FROM pgvector_backfill.change c WHERE c.backfill = ${backfill} AND c.key = f.key)`,
      values,
    );
    return noted.rowCount ?? 0;
  });
}

/** Quarantined rows that are gone; there are few, and their keys are kept as text, in no order of the table's. */
async function noteQuarantined(pool: Pool, target: Target): Promise<number> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const noted = await pool.query(
    `INSERT INTO pgvector_backfill.change (backfill, key)
     SELECT ${SET_ASIDE}.backfill, ${SET_ASIDE}.key FROM pgvector_backfill.quarantine ${SET_ASIDE} WHERE ${SET_ASIDE}.backfill = $1
        AND NOT EXISTS (SELECT 1 FROM ${target.table} WHERE ${key} = ${SET_ASIDE}.key::${target.keyType} AND ${target.where})`,
    [target.backfill],
  );
  return noted.rowCount ?? 0;
}
