/** The triggers note nothing for a backfill any more; those of the other backfills of the table go on. */

import type { Pool, Queryable } from '../db/pool.ts';
import { DDL_LIMITS, type TransactionLimits } from '../db/transaction.ts';
import { armedAs } from '../ledger/changes/armed-triggers.ts';
import { removePart } from '../ledger/changes/capture-parts.ts';
import type { Target } from '../table/backfill-target.ts';
import { capturePrint, captureRepair, dropCapture } from './capture-state.ts';
import { carryOthers, lockTable } from './ensure-capture.ts';
import { spreadBefore, spreadChanges } from './spread-changes.ts';
import { runUnderLocks, underLocks } from './table-locks.ts';
import { inOrder, notedParts } from './table-parts.ts';

/** Statements that are due; empty where nothing of it is there. Changes nothing. */
export async function neededRelease(db: Queryable, target: Target): Promise<string[]> {
  const { others } = await notedParts(db, target);
  if (others.length === 0) return dropCapture(db, target);
  // One that was never noted is in nobody's function: what is wrong with the triggers is the others' to mend.
  const { isShared } = await armedAs(db, target.backfill);
  return isShared ? (await captureRepair(db, target, inOrder(others))).statements : [];
}

/** @returns what was run @throws TransientError where the table was never free for long enough */
export async function releaseCapture(
  pool: Pool,
  target: Target,
  limits: TransactionLimits = DDL_LIMITS,
): Promise<string[]> {
  // Most of it beforehand: writers wait for the rest.
  await spreadChanges({ pool, backfill: target.backfill });
  return underLocks(pool, target, limits, async (client) => {
    await lockTable(client, target);
    const before = await capturePrint(client, target);
    const { others } = await notedParts(client, target);
    const statements = await neededRelease(client, target);
    for (const sql of statements) await client.query(sql);
    await spreadBefore(client, target.backfill);
    await removePart(client, target.backfill);
    await carryOthers(client, others, before, await capturePrint(client, target));
    return statements;
  });
}

/** The table itself is gone, and its triggers with it. */
export const neededReleaseWithoutTable = (db: Queryable, target: Target): Promise<string[]> =>
  dropCapture(db, target, false);

export const releaseWithoutTable = async (pool: Pool, target: Target): Promise<void> =>
  runUnderLocks(pool, target, await neededReleaseWithoutTable(pool, target));
