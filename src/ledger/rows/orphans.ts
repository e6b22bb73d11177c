/** Rows of staging table and quarantine whose legacy row is gone, or has nothing to embed any more. */

import { quoteName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';
import { keyRefs, keyTextSql, legacyKey, sameKeySql } from '../../table/key.ts';
import {
  keysOnly,
  legacyRangeSql,
  stageRangeSql,
  storeRangeSql,
  type KeyRange,
} from '../../table/key-range.ts';
import { deleteStoredSql } from '../../table/stored-vectors.ts';
import { emptyTextSql } from '../../table/text-expressions.ts';
import { QUARANTINED, STAGED, readableTable } from './row-state.ts';

/** Rows of the legacy table that take part and have a vector, or a text to make one of; those that cannot be read, too. */
function neededRows(target: Target, backfill: string): { from: string; isNeeded: string } {
  const { from, unreadable, eligible } = readableTable(target, backfill);
  const hasText = `NOT (${emptyTextSql(target.text)})`;
  // What a table beside has of a row without text goes by what is read of the row, not by what is staged.
  const isWanted =
    target.store.kind === 'column'
      ? `(${target.ref}.${quoteName(target.store.column)} IS NOT NULL OR ${hasText})`
      : hasText;
  return {
    from,
    isNeeded: `CASE WHEN ${unreadable} THEN true ELSE ${eligible}
      AND ${isWanted} END`,
  };
}

/**
 * Staged rows of a range whose legacy row is gone, no longer takes part, or has been emptied and has no vector. Behind the
 * staging, not before it: a row may be deleted or emptied between its reading and its staging.
 */
export async function deleteOrphans(db: Queryable, target: Target, range: KeyRange): Promise<void> {
  const key = keyRefs(target, `${STAGED}.`);
  const legacy = legacyKey(target);
  const values: unknown[] = [];
  const staged = stageRangeSql(target, range, values, `${STAGED}.`);
  // Said for the legacy table too, or the planner may read all of it to find out which keys exist.
  const legacyRange = legacyRangeSql(target, range, values);
  const { from, isNeeded } = neededRows(target, `$${values.push(target.backfill)}`);
  await db.query(
    `DELETE FROM ${target.stage} ${STAGED} WHERE ${staged}
        AND NOT EXISTS (SELECT 1 FROM ${from} WHERE ${legacyRange} AND ${sameKeySql(target, legacy, key)} AND ${isNeeded})`,
    values,
  );
  if (target.store.kind === 'table') await deleteOrphanVectors(db, target, range);
}

/**
 * Vectors beside whose legacy row is gone, or no longer takes part. Behind what is staged of them: whoever was just merging that
 * has ended then, and is seen.
 */
async function deleteOrphanVectors(db: Queryable, target: Target, range: KeyRange): Promise<void> {
  const values: unknown[] = [];
  const stored = storeRangeSql(target, range, values, 'pgvb_stored.');
  const legacyRange = legacyRangeSql(target, range, values);
  const { from, eligible } = readableTable(target, `$${values.push(target.backfill)}`);
  const isSame = sameKeySql(target, legacyKey(target), keyRefs(target, 'pgvb_stored.'));
  await db.query(
    deleteStoredSql(
      target,
      `${stored} AND NOT EXISTS (SELECT 1 FROM ${from} WHERE ${legacyRange} AND ${isSame} AND ${eligible})`,
    ),
    values,
  );
}

/** The same of quarantined rows, of these keys; also those that have been emptied: there is nothing left to embed or refuse. */
export async function releaseOrphans(db: Queryable, target: Target, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const values: unknown[] = [];
  const legacy = legacyKey(target);
  const legacyRange = legacyRangeSql(target, keysOnly(keys), values);
  const backfill = `$${values.push(target.backfill)}`;
  const { from, isNeeded } = neededRows(target, backfill);
  await db.query(
    `DELETE FROM pgvector_backfill.quarantine ${QUARANTINED} WHERE ${QUARANTINED}.backfill = ${backfill} AND ${QUARANTINED}.key = ANY ($${values.push(keys)}::text[])
        AND NOT EXISTS (SELECT 1 FROM ${from} WHERE ${legacyRange} AND ${keyTextSql(target, legacy)} = ${QUARANTINED}.key AND ${isNeeded})`,
    values,
  );
}
