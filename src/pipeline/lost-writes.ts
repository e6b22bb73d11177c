/** Rows that took our write without effect: they would be tried again for ever, and be in no state. */

import type { Queryable } from '../db/pool.ts';
import type { Claim } from '../ledger/claim.ts';
import { quarantineRows } from '../ledger/rows/quarantine.ts';
import { beforeUpdateTriggers } from '../table/before-update-triggers.ts';
import { NEEDS_WORK, rowStatesSql } from '../ledger/rows/row-state.ts';
import { keyAliases, keyTextSql } from '../table/key.ts';
import type { KeyRange } from '../table/key-range.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { OpenRow, WrittenRows } from './written-rows.ts';

/**
 * Looks at what is still to do of a range. In the transaction that closes it, with its claim held.
 * @returns keys that are still to do behind it, and how many rows were quarantined
 */
export async function quarantineLostWrites(
  db: Queryable,
  { target, embedder }: PipelineContext,
  claim: Claim,
  range: KeyRange,
  writes: WrittenRows,
): Promise<{ open: string[]; lost: number }> {
  const values: unknown[] = [];
  const states = rowStatesSql(target, embedder.fingerprint, range, values);
  const found = await db.query<OpenRow>(
    `SELECT ${keyTextSql(target, keyAliases(target, 'rows.'))} AS key, rows.hash FROM (${states}) rows WHERE state IN ${NEEDS_WORK}`,
    values,
  );
  const open = found.rows;
  if (!open.some(({ key }) => writes.has(key))) return { open: open.map(({ key }) => key), lost: 0 };
  const lost = writes.lost(open, await beforeUpdateTriggers(db, target.store.table));
  // A run is stopped before it quarantines the whole table; sync has other rows to see to.
  if (!('backfill' in claim)) writes.stopIfNone(lost);
  await quarantineRows(db, target.backfill, claim, lost);
  const gone = new Set(lost.map(({ key }) => key));
  return { open: open.map(({ key }) => key).filter((key) => !gone.has(key)), lost: lost.length };
}
