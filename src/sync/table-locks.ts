/** Changes of the table's triggers: all in one transaction, for a moment with half of them would lose changes. */

import type pg from 'pg';
import { optionName } from '../config/option-name.ts';
import type { Pool } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { DDL_LIMITS, inTransaction, type TransactionLimits } from '../db/transaction.ts';
import { TransientError } from '../errors.ts';
import type { Target } from '../table/backfill-target.ts';

export function runUnderLocks(
  pool: Pool,
  target: Pick<Target, 'schema' | 'name'>,
  statements: readonly string[],
  limits: TransactionLimits = DDL_LIMITS,
): Promise<void> {
  return underLocks(pool, target, limits, async (client) => {
    for (const sql of statements) await client.query(sql);
  });
}

/** Code of the error then. */
export const TABLE_HELD = 'SYNC_LOCKED';

/** @throws TransientError where the table was never free for long enough. */
export async function underLocks<T>(
  pool: Pool,
  target: Pick<Target, 'schema' | 'name'>,
  limits: TransactionLimits,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  try {
    return await inTransaction(pool, limits, work);
  } catch (error) {
    if (!hasSqlState(error, SQLSTATE.lockTimeout)) throw error;
    throw new TransientError(
      `The triggers on ${target.schema}.${target.name} could not be changed: other transactions held the table, or an index build did, through ${limits.tries} tries of ${limits.lockTimeoutMs} ms.`,
      {
        code: TABLE_HELD,
        remedy: `End the long transactions on the table (pg_stat_activity, pg_locks) or wait for the index, and try again; or set ${optionName('sync.mode')} to sweep.`,
        cause: error,
      },
    );
  }
}
