/** Takes an index away while the table is in use. */

import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { connectClient, configureSession } from '../db/pool.ts';
import { losesSession } from '../db/pooler.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { openingSql } from '../db/session-settings.ts';
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
  const connect = (): Promise<pg.Client> => connectClient(database, 'rollback');
  const session = await connect();
  try {
    const isPooled = await losesSession(session, connect);
    if (!isPooled) {
      await configureSession(session);
      await session.query(`SET lock_timeout = '${lockTimeoutMs}ms'; SET statement_timeout = 0`);
    }
    for (let attempt = 1; ; attempt++) {
      try {
        // A session's settings would stay with an application's connection: within a transaction, the index is locked for a moment.
        if (isPooled) await dropInTransaction(session, sql, lockTimeoutMs);
        else await session.query(sql);
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

async function dropInTransaction(session: pg.Client, sql: string, lockTimeoutMs: number): Promise<void> {
  const { statementTimeoutMs } = DDL_LIMITS;
  try {
    await session.query(openingSql({ lockTimeoutMs, statementTimeoutMs }, 'own', null, true, true));
    await session.query(sql.replace(/^DROP INDEX CONCURRENTLY /, 'DROP INDEX '));
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
