/** The read mode becomes another one: one transaction, told in the event log. */

import type { Pool } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { recordEvent } from '../ledger/event/event.ts';
import {
  readModeOf,
  readsVectors,
  saveReadMode,
  showReadChoice,
  type ReadChoice,
  type ReadModeState,
} from '../ledger/reads/read-mode.ts';
import { clearReadCounts } from '../ledger/reads/read-stats.ts';
import type { Run } from '../ledger/run/run.ts';
import { moveRun } from '../ledger/run/move-run.ts';
import { currentUser } from './current-user.ts';

export interface ReadChange {
  to: ReadChoice;
  /** Why, by whoever asked for it; empty where they did not say. */
  reason: string;
  /** Why although the gate did not pass; null where it did, or was not asked. */
  override: string | null;
  /** Further facts for the event. */
  detail: Record<string, unknown>;
  /** Run in the same transaction, the extension's library loaded. */
  statements: readonly string[];
  /** For the library to be loaded; empty where there are no statements. */
  prepare: string;
}

/** @returns the mode before. */
export async function changeReads(pool: Pool, run: Run, change: ReadChange): Promise<ReadModeState> {
  const { backfill } = run;
  const { to, reason, override, statements } = change;
  return inTransaction(pool, LEDGER_LIMITS, async (client) => {
    const from = await readModeOf(client, backfill, true);
    const by = await currentUser(client);
    if (statements.length > 0) await client.query(change.prepare);
    for (const sql of statements) {
      await client.query(sql);
      await recordEvent(client, {
        backfill,
        run: run.id,
        level: 'info',
        kind: 'schema.changed',
        message: sql,
      });
    }
    const same = showReadChoice(from) === showReadChoice(to);
    if (same) return from;
    // Counting begins where reads leave the legacy search, so that figures are of one attempt.
    if (from.mode === 'legacy') await clearReadCounts(client, backfill);
    await saveReadMode(client, backfill, to, { by, reason: override ?? reason });
    await recordEvent(client, {
      backfill,
      run: run.id,
      level: override === null ? 'info' : 'warn',
      kind: 'reads.changed',
      message: `${showReadChoice(from)} → ${showReadChoice(to)}${reason === '' ? '' : `: ${reason}`}${override === null ? '' : `; although the gate did not pass: ${override}`}`,
      detail: { from: showReadChoice(from), to: showReadChoice(to), by, reason, override, ...change.detail },
    });
    if (readsVectors(to)) await moveRun(client, run.id, ['ready', 'verifying'], 'cut_over', '');
    else await moveRun(client, run.id, ['cut_over'], 'ready', '');
    return from;
  });
}
