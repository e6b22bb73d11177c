/** Waiting for a server that is being restarted or failed over. */

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
