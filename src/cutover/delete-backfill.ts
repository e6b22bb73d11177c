/** The backfill leaves the ledger; with the last one the ledger itself leaves the database. */

import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { dropLedger, lockBackfills, otherBackfills, removeBackfill } from '../ledger/backfill/remove.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { currentUser } from './current-user.ts';

/** In one transaction, as what was added to the table is known from these rows: they go last, and all at once. */
export async function deleteBackfill(pool: Pool, backfill: string, reason: string): Promise<void> {
  await inTransaction(pool, LEDGER_LIMITS, async (client) => {
    await lockBackfills(client);
    if ((await otherBackfills(client, backfill)).length === 0) {
      await dropLedger(client);
      return;
    }
    await removeBackfill(client, backfill);
    await recordEvent(client, {
      backfill,
      run: null,
      level: 'info',
      kind: 'backfill.removed',
      message: `taken out of the database${reason === '' ? '' : `: ${reason}`}`,
      detail: { by: await currentUser(client), reason },
    });
  });
}
