/** Changes of the operator's table: under a short lock timeout, with retries. */

import type { Pool } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { DDL_LIMITS, inTransaction } from '../db/transaction.ts';
import { GateError, TransientError, messageOf } from '../errors.ts';
import type { Target } from '../table/backfill-target.ts';

/**
 * @throws GateError where something stands on what is to be dropped
 * @throws TransientError where the table was never free for long enough
 */
export async function underLocks(pool: Pool, target: Target, statements: readonly string[]): Promise<void> {
  try {
    await inTransaction(pool, DDL_LIMITS, async (client) => {
      for (const sql of statements) await client.query(sql);
    });
  } catch (error) {
    const table = `${target.schema}.${target.name}`;
    if (hasSqlState(error, SQLSTATE.dependent))
      throw new GateError(`Something else depends on it: ${messageOf(error)}.`, {
        code: 'OBJECT_IN_USE',
        remedy: 'Drop the view, function or constraint that stands on it, then do it again.',
        cause: error,
      });
    if (!hasSqlState(error, SQLSTATE.lockTimeout)) throw error;
    throw new TransientError(
      `${table} could not be changed: other transactions held it through ${DDL_LIMITS.tries} tries of ${DDL_LIMITS.lockTimeoutMs} ms.`,
      {
        code: 'TABLE_LOCKED',
        remedy: 'End the long transactions on the table (pg_stat_activity, pg_locks) and do it again.',
        cause: error,
      },
    );
  }
}
