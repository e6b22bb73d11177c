/** Vectors in a column of the legacy table: rows are locked, then updated. */

import { quoteName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { rowVersionSql, textHashSql } from '../../ledger/rows/row-state.ts';
import type { Target } from '../../table/backfill-target.ts';
import {
  aliasedKey,
  keyAliases,
  keyInSql,
  keyListSql,
  keyOrderSql,
  keyRefs,
  keyTextSql,
  legacyKey,
  sameKeySql,
} from '../../table/key.ts';
import { legacyRangeSql, stageRangeSql } from '../../table/key-range.ts';
import { rangeOf } from './range-of.ts';
import { deleteStaged } from './staged-rows.ts';
import type { MergedRow, StoreWrites } from './store-writes.ts';

/**
 * Rows that another transaction holds are skipped and come again. NO KEY UPDATE is what the UPDATE itself takes; rows that
 * refer to these may still be inserted.
 */
function lockSql(target: Target, keys: readonly string[], values: unknown[]): string {
  const key = legacyKey(target);
  return `SELECT ${keyTextSql(target, key)} AS key FROM ${target.table} WHERE ${legacyRangeSql(target, rangeOf(keys), values)}
    ORDER BY ${keyOrderSql(target, key)} FOR NO KEY UPDATE SKIP LOCKED`;
}

/**
 * The UPDATE. The hash is computed on the row that is updated, not on a join with itself: where the row is locked by
 * another transaction, PostgreSQL checks the condition again on what that transaction leaves behind.
 * Both tables are bounded by the first and the last key: from the list alone the planner may conclude that reading the
 * whole legacy table is cheaper. CASE keeps the operator's expressions to the rows of the list: one beside them, on which
 * they raise, is none of this statement's.
 * @param keys in order @param values of `fingerprint`, and of what else the statement asks for
 */
export function mergeSql(
  target: Target,
  fingerprint: string,
  keys: readonly string[],
  values: unknown[],
): string {
  const legacy = legacyKey(target);
  const range = rangeOf(keys);
  const inStage = stageRangeSql(target, range, values);
  const isSame = sameKeySql(target, legacy, keyAliases(target, 'pgvb_staged.'));
  return `UPDATE ${target.table} SET ${quoteName(target.column)} = pgvb_staged.pgvb_vector, ${quoteName(target.updatedAtColumn)} = now()
    FROM (SELECT ${aliasedKey(target, keyRefs(target))}, embedding AS pgvb_vector, text_hash AS pgvb_hash
            FROM ${target.stage} WHERE ${inStage}) pgvb_staged
   WHERE ${legacyRangeSql(target, { ...range, keys: undefined }, values)} AND ${isSame}
     AND CASE WHEN ${isSame}
              THEN ${target.where} AND ${textHashSql(target, fingerprint)} = pgvb_staged.pgvb_hash END`;
}

/** $1 hashes, $2 fingerprint; the keys go behind them. */
function clearSql(target: Target, keys: readonly string[], values: unknown[]): string {
  const column = quoteName(target.column);
  const key = legacyKey(target);
  const isSame = sameKeySql(target, key, keyAliases(target, 'pgvb_gone.'));
  return `UPDATE ${target.table} SET ${column} = NULL, ${quoteName(target.updatedAtColumn)} = now()
    FROM (SELECT ${keyAliases(target).join(', ')}, pgvb_hash FROM ${keyListSql(target, keys, values, 'u', '$1::bytea[]', 'pgvb_hash')}) pgvb_gone
   WHERE ${keyInSql(target, key, keys, values)} AND ${isSame} AND ${target.ref}.${column} IS NOT NULL
     AND CASE WHEN ${isSame} THEN ${textHashSql(target, '$2')} = pgvb_gone.pgvb_hash END`;
}

/** A row that somebody else holds or has written keeps what it has. */
async function clearOne(
  db: Queryable,
  target: Target,
  { key, version }: { key: string; version: string },
): Promise<string> {
  const vector = quoteName(target.column);
  const values: unknown[] = [];
  const isKey = keyInSql(target, legacyKey(target), [key], values);
  const held = await db.query(
    `SELECT 1 FROM ${target.table} WHERE ${isKey} AND ${rowVersionSql(target)} = $${values.length + 1}
        AND ${target.ref}.${vector} IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED`,
    [...values, version],
  );
  if (held.rowCount !== 1) return version;
  await db.query(
    `UPDATE ${target.table} SET ${vector} = NULL, ${quoteName(target.updatedAtColumn)} = now() WHERE ${isKey}`,
    values,
  );
  const cleared = await db.query<{ version: string }>(
    `SELECT ${rowVersionSql(target)} AS version FROM ${target.table} WHERE ${isKey}`,
    values,
  );
  return cleared.rows[0]?.version ?? version;
}

export const columnWrites: StoreWrites = {
  async hold(db, target, keys) {
    const values: unknown[] = [];
    const locked = await db.query<{ key: string }>(lockSql(target, keys, values), values);
    return locked.rows.map((row) => row.key);
  },
  async merge(db, target, keys, { fingerprint, returning }) {
    const values: unknown[] = [fingerprint];
    const hash = returning === 'hashes' ? textHashSql(target, '$1') : 'NULL::bytea';
    const wanted =
      returning === 'nothing'
        ? ''
        : ` RETURNING ${keyTextSql(target, legacyKey(target))} AS key, ${hash} AS hash`;
    const merged = await db.query<MergedRow>(mergeSql(target, '$1', keys, values) + wanted, values);
    return merged.rows;
  },
  async clear(db, target, rows, fingerprint) {
    const keys = rows.map((row) => row.key);
    const values: unknown[] = [rows.map((row) => row.hash), fingerprint];
    await db.query(clearSql(target, keys, values), values);
    await deleteStaged(db, target, keys);
  },
  async remove(db, target, row, clears) {
    const version = clears ? await clearOne(db, target, row) : row.version;
    await deleteStaged(db, target, [row.key]);
    return version;
  },
};
