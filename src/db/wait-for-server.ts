/** Going on through restarts and failovers of the server. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from './pool.ts';
import { readOnlyReason } from './read-only.ts';
import { isUnreachable } from './sqlstates.ts';
import { backoffMs } from './transaction.ts';

/**
 * Returns once the server answers. A batch in progress waits here rather than burning its attempts on a restart.
 * @param firstAttempt the waits are as long as of this one
 * @throws the signal's reason where it aborts; an error that is not of the connection
 */
export async function waitForServer(pool: Pool, signal: AbortSignal, firstAttempt = 1): Promise<void> {
  for (let attempt = firstAttempt; ; attempt++) {
    await delay(backoffMs(attempt), undefined, { signal });
    try {
      if (await takesWrites(pool)) return;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
  }
}

/**
 * A server that only takes reads cannot take a batch either. A session keeps what was said of that when it began: one that
 * takes no writes is not used again.
 */
async function takesWrites(pool: Pool): Promise<boolean> {
  const client = await pool.connect();
  let takes = false;
  try {
    const asked = await client.query<{ readonly: boolean }>(
      `SELECT pg_catalog.current_setting('transaction_read_only')::boolean AS readonly`,
    );
    takes = asked.rows[0]?.readonly === false && (await readOnlyReason(client)) === null;
    return takes;
  } finally {
    client.release(!takes);
  }
}

/** Work that meets so many restarts gives its place to another, or fails. */
const MAX_RESTARTS = 20;

/**
 * `work`, begun again once the server answers where the connection to it was lost; so it must be repeatable.
 * @throws what is no fault of the connection, as it comes; the reason of a signal that aborts
 */
export async function throughRestarts<T>(
  pool: Pool,
  signals: readonly (AbortSignal | undefined)[],
  work: () => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
  for (let restarts = 0; ; restarts++) {
    try {
      return await work();
    } catch (error) {
      if (restarts >= MAX_RESTARTS || !isUnreachable(error)) throw error;
    }
    // A server that answers this look may refuse the work all the same, where it has no further connection.
    await waitForServer(pool, signal, restarts + 1);
  }
}
