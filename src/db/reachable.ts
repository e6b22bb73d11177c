/** Going on through restarts and failovers of the server. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from './pool.ts';
import { isUnreachable } from './sqlstates.ts';
import { backoffMs } from './transaction.ts';

/**
 * Returns once the server answers. A batch in hand waits here rather than burning its attempts on a restart.
 * @throws the signal's reason where it aborts; an error that is not of the connection
 */
export async function untilReachable(pool: Pool, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await delay(backoffMs(attempt), undefined, { signal });
    try {
      // A server that only takes reads cannot take a batch either.
      const asked = await pool.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
      if (asked.rows[0]?.standby === false) return;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
  }
}

/** Work that meets so many restarts gives its place to another, or fails. */
const MOST_RESTARTS = 20;

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
      if (restarts >= MOST_RESTARTS || !isUnreachable(error)) throw error;
    }
    await untilReachable(pool, signal);
  }
}
