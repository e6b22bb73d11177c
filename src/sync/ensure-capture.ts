/** Capture is as it should be, or is made so; what was written while it was not is left to a sweep. */

import type { Pool } from '../db/pool.ts';
import type { TransactionLimits } from '../db/transaction.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { armedAs, saveArmed, keepTriggerMode } from '../ledger/changes/armed-triggers.ts';
import type { Target } from '../table/backfill-target.ts';
import { capturePrint, neededRepair, type CapturePrint } from './capture-state.ts';
import { underLocks } from './table-locks.ts';

export interface EnsuredCapture {
  /** Partitions that were not there at the last look, by oid: made or attached since. Their print is not saved yet. */
  added: CapturePrint;
}

const sameAs = (saved: CapturePrint, now: CapturePrint): boolean =>
  ['table', 'function', ...Object.keys(now)].every((of) => saved[of] === now[of]);

/**
 * The print is saved, and the sweep asked for, in the transaction that mends the triggers: it has waited for every
 * transaction that wrote without them, so a sweep that begins behind it sees what they wrote. A partition that went away
 * took its rows with it.
 * @returns null where capture is no longer wanted, which is looked at under lock: whoever takes it off says so first
 * @throws TransientError where the table was never free for long enough
 */
export async function ensureCapture(
  pool: Pool,
  target: Target,
  limits: TransactionLimits,
): Promise<EnsuredCapture | null> {
  const { backfill } = target;
  const saved = await armedAs(pool, backfill);
  if (saved !== null && sameAs(saved, await capturePrint(pool, target))) return { added: {} };
  const { faults, statements, varies } = await neededRepair(pool, target);
  const armed = await underLocks(pool, target, limits, async (client) => {
    if (!(await keepTriggerMode(client, backfill))) return null;
    for (const sql of statements) await client.query(sql);
    const now = await capturePrint(client, target);
    const known = (of: string): boolean => saved === null || Object.hasOwn(saved, of);
    const kept = Object.fromEntries(Object.entries(now).filter(([of]) => known(of)));
    const added = Object.fromEntries(Object.entries(now).filter(([of]) => !known(of)));
    const touched = saved === null || !sameAs(saved, { ...kept, traits: saved['traits'] ?? '' });
    await saveArmed(client, backfill, { as: kept, varies, missed: touched || statements.length > 0 });
    return { added, touched };
  });
  if (armed === null) return null;
  for (const message of statements)
    await recordEvent(pool, { backfill, run: null, level: 'info', kind: 'schema.changed', message });
  if (saved !== null && armed.touched)
    await recordEvent(pool, {
      backfill,
      run: null,
      level: 'warn',
      kind: 'sync.rearmed',
      message: `change capture was not armed all the time (${faults.length > 0 ? faults.join('; ') : 'its triggers were changed and changed back'}): it is armed, and the table is swept for what was written meanwhile`,
    });
  return { added: armed.added };
}
