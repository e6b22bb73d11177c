/** One at a time per backfill may change what stands in the operator's database: enqueue, or the way back. */

import type { Settings } from '../config/settings.ts';
import { connectClient } from '../db/pool.ts';
import { TransientError } from '../errors.ts';

/** The second number is a hash of the backfill's name. */
const ENQUEUE_LOCK = 716_422;

/** @throws TransientError where somebody else is at it. */
export async function inTurn<T>(
  settings: Settings,
  backfill: string,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  // The lock lives as long as this connection: a process that is killed leaves nothing locked.
  const guard = await connectClient(settings.database, `${what} lock`);
  try {
    const locked = await guard.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS locked',
      [ENQUEUE_LOCK, backfill],
    );
    if (locked.rows[0]?.locked !== true) {
      throw new TransientError(
        `Another ${what === 'enqueue' ? 'enqueue' : 'enqueue, complete or rollback'} of ${backfill} is under way.`,
        { code: 'ENQUEUE_BUSY', remedy: 'Wait for it to end; `npm run status` shows the run.' },
      );
    }
    return await work();
  } finally {
    await guard.query('SELECT pg_advisory_unlock_all()').catch(() => {});
    await guard.end();
  }
}
