/** Before a generation drains: what was noted once for all generations of its backfill is moved to each of them. */

import type pg from 'pg';
import type { Pool } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { inTransaction, type TransactionLimits } from '../db/transaction.ts';
import { removeAllChanges } from '../ledger/changes/captured-changes.ts';
import { lockReceivers, moveShared, sharedUpTo } from '../ledger/changes/shared-changes.ts';
import { wantSweep } from '../ledger/changes/sweep-position.ts';
import { withTooManyChanges } from '../ledger/changes/waiting-changes.ts';
import { recordEvent } from '../ledger/event/event.ts';

/** Changes that one statement moves. */
const PAGE = 10_000;
/** A drain of another generation settles its changes in less; where it does not, the next drain moves them. */
const LIMITS: TransactionLimits = { lockTimeoutMs: 1000, statementTimeoutMs: 60_000, tries: 1 };

export interface SpreadInput {
  pool: Pool;
  /** Any generation of it. */
  backfill: string;
  signal?: AbortSignal | undefined;
  /** Changes that may wait for a generation whatever the size of its table. */
  kept?: number;
}

/** What was there at its start. A worker that dies leaves each change where it was, or with all generations. */
export async function spreadChanges({ pool, backfill, signal, kept }: SpreadInput): Promise<void> {
  const upTo = await sharedUpTo(pool, backfill);
  if (upTo === null) return;
  let receivers: string[] = [];
  try {
    // Numbers that are committed behind the page wait for the next drain: to look at the beginning again is to pass what is dead there.
    for (let page = { taken: PAGE, last: '0' }; page.taken === PAGE;) {
      if (signal?.aborted === true) break;
      const after = page.last;
      page = await inTransaction(pool, LIMITS, async (client) => {
        receivers = await lockReceivers(client, backfill);
        return moveShared(client, backfill, { receivers, after, upTo, limit: PAGE });
      });
    }
    for (const each of await withTooManyChanges(pool, receivers, kept)) await sweepInstead(pool, each);
  } catch (error) {
    if (!hasSqlState(error, SQLSTATE.lockTimeout)) throw error;
  }
}

/**
 * Keys of rows that come and go would wait for a generation that nobody drains without end. A sweep finds what they stand for,
 * and begins behind this: it leaves out rows that a change stands for.
 */
async function sweepInstead(pool: Pool, backfill: string): Promise<void> {
  await inTransaction(pool, LIMITS, async (client) => {
    await wantSweep(client, backfill);
    await removeAllChanges(client, backfill);
  });
  await recordEvent(pool, {
    backfill,
    run: null,
    level: 'warn',
    kind: 'sync.swept-instead',
    message:
      'more changes waited than the table has rows, as nobody brings them in line: once somebody does, the table is swept in their place',
  });
}

/**
 * All of them, in the transaction in which the triggers begin to note for others: it keeps writers waiting, so that what is
 * there is for those that were noted for before, by their key, and nothing comes behind it.
 */
export async function spreadBefore(client: pg.PoolClient, backfill: string): Promise<void> {
  const upTo = await sharedUpTo(client, backfill);
  if (upTo === null) return;
  const receivers = await lockReceivers(client, backfill);
  await moveShared(client, backfill, { receivers, after: '0', upTo, limit: null });
}
