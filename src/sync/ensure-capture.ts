/** Capture is as it should be, or is made so; what was written while it was not is left to a sweep. */

import type pg from 'pg';
import type { Pool } from '../db/pool.ts';
import { codeOf } from '../db/sqlstates.ts';
import type { TransactionLimits } from '../db/transaction.ts';
import { siblingsOf } from '../ledger/backfill/siblings.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { armedAs, saveArmed, keepTriggerMode } from '../ledger/changes/armed-triggers.ts';
import { carryArmed, lockParts, savePart, type CapturedPart } from '../ledger/changes/capture-parts.ts';
import type { Target } from '../table/backfill-target.ts';
import { capturePrint, captureRepair, type CapturePrint } from './capture-state.ts';
import { spreadBefore, spreadChanges } from './spread-changes.ts';
import { inOrder, notedParts, ownPart, sameParts } from './table-parts.ts';
import { TABLE_HELD, underLocks } from './table-locks.ts';

export interface EnsuredCapture {
  /** Partitions that were not there at the last look, by oid: made or attached since. Their print is not saved yet. */
  added: CapturePrint;
}

interface Armed extends EnsuredCapture {
  /** Nobody has noted the triggers before. */
  isFirst: boolean;
  touched: boolean;
  faults: string[];
  statements: string[];
}

/** Triggers of an earlier release note all that they should: they are taken over at a look that finds the table free. */
const TAKEOVER_LIMITS: TransactionLimits = { lockTimeoutMs: 100, statementTimeoutMs: 60_000, tries: 1 };

const sameAs = (saved: CapturePrint, now: CapturePrint): boolean =>
  ['table', 'function', ...Object.keys(now)].every((of) => saved[of] === now[of]);

/** Of a print, what is known of the same tables. */
const knownOf = (saved: CapturePrint | null, now: CapturePrint): CapturePrint =>
  Object.fromEntries(Object.entries(now).filter(([of]) => saved === null || Object.hasOwn(saved, of)));

/** Whether the triggers have stood as they were armed, up to `now`; partitions that came since were never armed. */
const untouched = (saved: CapturePrint, now: CapturePrint): boolean =>
  sameAs(saved, { ...knownOf(saved, now), traits: saved['traits'] ?? '' });

/** Whether the triggers are the very ones that were armed; null where nobody has noted any. Changes nothing. */
export async function stoodAsArmed(pool: Pool, target: Target): Promise<boolean | null> {
  const { saved } = await armedAs(pool, target.backfill);
  return saved === null ? null : untouched(saved, await capturePrint(pool, target));
}

/**
 * The print is saved, and the sweep asked for, in the transaction that mends the triggers: it has waited for every
 * transaction that wrote without them, so a sweep that begins behind it sees what they wrote. A partition that went away
 * took its rows with it.
 *
 * The other backfills of the table are kept, and those of an earlier release taken over: their changes are noted before and
 * behind that transaction, and it keeps writers waiting from the one to the other.
 * @returns null where capture is no longer wanted, which is looked at under lock: whoever takes it off says so first
 * @throws TransientError where the table was never free for long enough
 */
export async function ensureCapture(
  pool: Pool,
  target: Target,
  limits: TransactionLimits,
): Promise<EnsuredCapture | null> {
  const { backfill } = target;
  const found = await armedAs(pool, backfill);
  const { isShared } = found;
  const isArmed = found.saved !== null && sameAs(found.saved, await capturePrint(pool, target));
  if (isArmed && isShared) return { added: {} };
  const { part, varies } = await ownPart(pool, target);
  const arm = async (client: pg.PoolClient): Promise<Armed | null> => {
    await lockTable(client, target);
    if (!(await keepTriggerMode(client, backfill))) return null;
    // Again: while the lock was waited for, they may have been made for another backfill.
    const { saved } = await armedAs(client, backfill);
    const before = await capturePrint(client, target);
    const { own, others } = await notedParts(client, target);
    const { faults, statements } = await captureRepair(client, target, inOrder([...others, part]));
    for (const sql of statements) await client.query(sql);
    await spreadBefore(client, backfill);
    const now = await capturePrint(client, target);
    for (const each of [...others, part]) await savePart(client, target.oid, each);
    await carryOthers(client, others, before, now);
    const kept = knownOf(saved, now);
    const added = Object.fromEntries(Object.entries(now).filter(([of]) => !Object.hasOwn(kept, of)));
    // Made again for another backfill, or in place of those of an earlier release: nothing was missed.
    const isCarried =
      saved !== null &&
      untouched(saved, before) &&
      saved['traits'] === before['traits'] &&
      own !== null &&
      sameParts(own, part);
    const touched = saved === null || (!isCarried && !untouched(saved, now));
    const missed = touched || (!isCarried && statements.length > 0);
    await saveArmed(client, backfill, { as: kept, varies, missed });
    return { added, touched, isFirst: saved === null, faults, statements };
  };
  // Most of it beforehand: writers wait for the rest.
  if (!isArmed) await spreadChanges({ pool, backfill });
  let armed: Armed | null;
  try {
    armed = await underLocks(pool, target, isArmed ? TAKEOVER_LIMITS : limits, arm);
  } catch (error) {
    if (isArmed && codeOf(error) === TABLE_HELD) return { added: {} };
    throw error;
  }
  if (armed === null) return null;
  for (const message of armed.statements)
    await recordEvent(pool, { backfill, run: null, level: 'info', kind: 'schema.changed', message });
  if (!armed.isFirst && armed.touched)
    await recordEvent(pool, {
      backfill,
      run: null,
      level: 'warn',
      kind: 'sync.rearmed',
      message: `change capture was not armed all the time (${armed.faults.length > 0 ? armed.faults.join('; ') : 'its triggers were changed and changed back'}): it is armed, and the table is swept for what was written meanwhile`,
    });
  return { added: armed.added };
}

export async function lockTable(client: pg.PoolClient, target: Target): Promise<void> {
  const names = (await siblingsOf(client, target)).map((each) => each.backfill);
  await lockParts(client, target.oid, [...names, target.backfill]);
}

/** What stood as it was armed is armed as it is now. What did not is left as it is, for its own look to find. */
export async function carryOthers(
  client: pg.PoolClient,
  others: readonly CapturedPart[],
  before: CapturePrint,
  now: CapturePrint,
): Promise<void> {
  for (const { backfill, armed } of others)
    if (armed !== null && untouched(armed, before))
      await carryArmed(client, backfill, { ...knownOf(armed, now), traits: armed['traits'] ?? '' });
}
