/** Takes an index away while the table is in use. */

import { setTimeout as delay } from 'node:timers/promises';
import { connectClient } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { DDL_LIMITS, backoffMs, type TransactionLimits } from '../db/transaction.ts';
import { TransientError } from '../errors.ts';

/**
 * `sql` is a DROP INDEX, which no transaction may hold where it is CONCURRENTLY. Cut off, that leaves an invalid index,
 * which the next attempt drops.
 * @throws TransientError where other transactions held the table or the index through all tries.
 */
export async function dropIndexUnderShortLocks(
  database: string,
  sql: string,
  { lockTimeoutMs, tries }: Pick<TransactionLimits, 'lockTimeoutMs' | 'tries'> = DDL_LIMITS,
): Promise<void> {
  const session = await connectClient(database, 'rollback');
  try {
    await session.query(`SET lock_timeout = '${lockTimeoutMs}ms'; SET statement_timeout = 0`);
    for (let attempt = 1; ; attempt++) {
      try {
        await session.query(sql);
        return;
      } catch (error) {
        if (!hasSqlState(error, SQLSTATE.lockTimeout, SQLSTATE.deadlock)) throw error;
        if (attempt >= tries)
          throw new TransientError(`The index could not be dropped: ${tries} tries of ${lockTimeoutMs} ms.`, {
            code: 'INDEX_LOCKED',
            remedy: 'End the long transactions on the table (pg_stat_activity, pg_locks) and do it again.',
            cause: error,
          });
        await delay(backoffMs(attempt));
      }
    }
  } finally {
    await session.end().catch(() => {});
  }
}
