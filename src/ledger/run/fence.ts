/** Keeps whoever works for a run that was superseded from writing anything more. */

import type { Queryable } from '../../db/pool.ts';
import { LEDGER_LIMITS, type TransactionLimits } from '../../db/transaction.ts';

/** Of the advisory lock; its second number is a hash of the backfill's name. */
const FENCE_LOCK = 716_423;
/** For the transaction that supersedes a run: a write that is under way may take as long as its statement may. */
export const FENCE_LIMITS: TransactionLimits = {
  ...LEDGER_LIMITS,
  lockTimeoutMs: 90_000,
  statementTimeoutMs: 100_000,
};

/**
 * Before a write for the run, in its transaction: no newer run of the backfill comes before that transaction ends. Whether
 * one is there already is asked behind it, by `newestSql`, in a statement of its own: only that sees what was committed while
 * the lock was waited for. An advisory lock rather than one of the run's row: writers share it, and whoever supersedes the
 * run does not starve behind them.
 */
export async function shareFence(db: Queryable, run: string): Promise<void> {
  await db.query(
    `SELECT pg_advisory_xact_lock_shared(${FENCE_LOCK}, hashtext(backfill)) FROM pgvector_backfill.run WHERE id = $1`,
    [run],
  );
}

/** Condition that the run `id` (SQL) is the newest of its backfill. */
export const newestSql = (id: string): string =>
  `NOT EXISTS (SELECT 1 FROM pgvector_backfill.run own JOIN pgvector_backfill.run newer
                                  ON newer.backfill = own.backfill AND newer.id > own.id WHERE own.id = ${id})`;

/** Waits for the writes that are under way, and keeps later ones waiting until the transaction ends. */
export async function closeFence(db: Queryable, backfill: string): Promise<void> {
  await db.query(`SELECT pg_advisory_xact_lock(${FENCE_LOCK}, hashtext($1))`, [backfill]);
}
