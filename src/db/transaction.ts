/** Short transactions: settings, a lock and a statement limit each, a jittered retry where trying again can help. */

import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { explained, type RowSecurity } from './row-security.ts';
import { briefOpeningSql, openingSql, type Purpose } from './session-settings.ts';
import { classify, isUnreachable } from './sqlstates.ts';
import type { Pool, Queryable } from './pool.ts';
import { hasSession, isOwnPool, isPinned, rowSecurityOf } from './pool-session.ts';

export interface TransactionLimits {
  /** Longest wait for a lock, ms. While DDL waits, everything behind it waits too: keep it short. */
  lockTimeoutMs: number;
  /** Longest single statement, ms. */
  statementTimeoutMs: number;
  /** Tries in all; 1 = no retry. */
  tries: number;
}

/** For statements on the operator's table. */
export const TABLE_LIMITS: TransactionLimits = { lockTimeoutMs: 5000, statementTimeoutMs: 60_000, tries: 3 };
/** For DDL on the operator's table: it queues in front of everybody, so it gives way fast and comes back. */
export const DDL_LIMITS: TransactionLimits = { lockTimeoutMs: 1000, statementTimeoutMs: 60_000, tries: 30 };
/** For the ledger, which nobody else locks. */
export const LEDGER_LIMITS: TransactionLimits = {
  lockTimeoutMs: 10_000,
  statementTimeoutMs: 60_000,
  tries: 3,
};

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;

/** Exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), ms. */
export function backoffMs(attempt: number): number {
  return Math.random() * Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt);
}

/** Runs `work` between BEGIN and COMMIT; on a transient failure the whole of it runs again, so it must be repeatable. */
export async function inTransaction<T>(
  pool: Pool,
  limits: TransactionLimits,
  work: (client: pg.PoolClient) => Promise<T>,
  purpose: Purpose = 'own',
): Promise<T> {
  const security = purpose === 'own' ? rowSecurityOf(pool) : null;
  const rowSecurity = security?.opening ?? null;
  const pinned = purpose === 'ledger' || (purpose === 'own' && isPinned(pool));
  const full = openingSql(limits, purpose, rowSecurity, isOwnPool(pool), pinned);
  const openingFor = async (client: pg.PoolClient): Promise<string> =>
    purpose === 'own' && (await hasSession(pool, client)) ? briefOpeningSql(limits, rowSecurity) : full;
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(pool, openingFor, security, work);
    } catch (error) {
      if (attempt >= limits.tries || classify(error) !== 'transient') throw error;
      await delay(backoffMs(attempt));
    }
  }
}

/** The same for SQL that holds words of the operator's: it may read and nothing else. */
export const inReadOnly = <T>(
  pool: Pool,
  limits: TransactionLimits,
  work: (client: pg.PoolClient) => Promise<T>,
  purpose: Purpose = 'own',
): Promise<T> =>
  inTransaction(
    pool,
    limits,
    async (client) => {
      await client.query('SET TRANSACTION READ ONLY');
      return work(client);
    },
    purpose,
  );

/** For searches: with the rows and the plans of the role that asks. */
export const inSearch = <T>(
  pool: Pool,
  limits: TransactionLimits,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> => inTransaction(pool, limits, work, 'search');

export const inReadOnlySearch = <T>(
  pool: Pool,
  limits: TransactionLimits,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> => inReadOnly(pool, limits, work, 'search');

/** Single statements on a pool of the application's, with the settings that they depend on. */
export const configuredQueries = (pool: Pool): Queryable => ({
  query: <R extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
    inTransaction(pool, { ...LEDGER_LIMITS, tries: 1 }, (client) => client.query<R>(text, values), 'ledger'),
});

async function once<T>(
  pool: Pool,
  openingFor: (client: pg.PoolClient) => Promise<string>,
  security: RowSecurity | null,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    const opened = await client.query(await openingFor(client));
    const result = await work(client);
    await client.query(security !== null && showsRows(opened) ? security.closing : 'COMMIT');
    return result;
  } catch (error) {
    // Of a connection that is lost nothing is to be expected, least of all an answer.
    broken = isUnreachable(error);
    if (!broken)
      await client.query('ROLLBACK').catch(() => {
        broken = true;
      });
    throw explained(error, security?.table);
  } finally {
    client.release(broken);
  }
}

/** Of the statements that opened it, the last has said row_security: on, where policies show all rows. */
const showsRows = (opened: unknown): boolean =>
  (opened as pg.QueryResult<{ set_config?: string }>[]).at(-1)?.rows[0]?.set_config === 'on';
