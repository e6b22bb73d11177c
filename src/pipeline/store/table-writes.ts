/**
 * Vectors in a table beside the legacy table, which is only read, not even locked: a row's lock would be a write to its page.
 * What is held are the staged rows. Of two that write one row's vectors the later one reads its text after the earlier one has
 * ended, so that the older text's vectors never come last; and what an application commits meanwhile is captured, or found by
 * its hash.
 */

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
import { legacyRangeSql, stageRangeSql, storeRangeSql } from '../../table/key-range.ts';
import { deleteStoredSql } from '../../table/stored-vectors.ts';
import { rangeOf } from './range-of.ts';
import { deleteStaged } from './staged-rows.ts';
import type { MergedRow, StoreWrites } from './store-writes.ts';

/** Staged rows that another transaction holds are skipped and come again. */
function lockSql(target: Target, keys: readonly string[], values: unknown[]): string {
  const key = keyRefs(target);
  return `SELECT ${keyTextSql(target, key)} AS key FROM ${target.stage} WHERE ${stageRangeSql(target, rangeOf(keys), values)} AND chunk = 0
    ORDER BY ${keyOrderSql(target, key)} FOR UPDATE SKIP LOCKED`;
}

/**
 * One statement, so that a row's vectors change all together or not at all: of the rows whose text is still that of what is
 * staged, every passage is put in its place, and what a longer text before had beyond them goes. The bounds and CASE are there
 * for what they are there for in the UPDATE of a column. A passage that is as it was stays as it is, and costs the index nothing:
 * of which text a row's vectors are, its first one tells.
 * @param keys in order @param values of `fingerprint`
 */
export function mergeBesideSql(
  target: Target,
  fingerprint: string,
  keys: readonly string[],
  values: unknown[],
): string {
  const range = rangeOf(keys);
  const bounds = { ...range, keys: undefined };
  const refs = keyRefs(target);
  const held = keyAliases(target, 'pgvb_held.');
  const inStage = stageRangeSql(target, range, values);
  const isSame = sameKeySql(target, legacyKey(target), keyAliases(target, 'pgvb_staged.'));
  const inLegacy = legacyRangeSql(target, bounds, values);
  const inStore = storeRangeSql(target, bounds, values, 'pgvb_store.');
  const vector = quoteName(target.store.column);
  const columns = ['chunk', 'chunk_start', 'chunk_end', 'chunk_hash', vector, 'text_hash', 'embedded_at'];
  const own = `${quoteName(target.store.name)}.`;
  const isSamePassage = `${own}chunk_hash = excluded.chunk_hash`;
  const replaced = columns
    .slice(1)
    .map((column) =>
      column === vector
        ? `${column} = CASE WHEN ${isSamePassage} THEN ${own}${column} ELSE excluded.${column} END`
        : `${column} = excluded.${column}`,
    );
  const isAsItWas = `coalesce(${isSamePassage}, false) AND ${own}chunk_start = excluded.chunk_start AND ${own}chunk_end = excluded.chunk_end`;
  return `WITH pgvb_held AS MATERIALIZED (
      SELECT ${keyAliases(target, 'pgvb_staged.').join(', ')}, pgvb_staged.pgvb_last
        FROM ${target.table}, (SELECT ${aliasedKey(target, refs)}, text_hash AS pgvb_hash, max(chunk) AS pgvb_last
                FROM ${target.stage} WHERE ${inStage} GROUP BY ${refs.join(', ')}, text_hash) pgvb_staged
       WHERE ${inLegacy} AND ${isSame}
         AND CASE WHEN ${isSame}
                  THEN ${target.where} AND ${textHashSql(target, fingerprint)} = pgvb_staged.pgvb_hash END),
    pgvb_surplus AS (
      DELETE FROM ${target.store.table} pgvb_store USING pgvb_held
       WHERE ${inStore} AND ${sameKeySql(target, keyRefs(target, 'pgvb_store.'), held)} AND pgvb_store.chunk > pgvb_held.pgvb_last),
    pgvb_written AS (
      INSERT INTO ${target.store.table} (${[...refs, ...columns].join(', ')})
      SELECT ${keyRefs(target, 'pgvb_passage.').join(', ')}, pgvb_passage.chunk, pgvb_passage.chunk_start, pgvb_passage.chunk_end, pgvb_passage.chunk_hash,
             pgvb_passage.embedding, pgvb_passage.text_hash, now()
        FROM pgvb_held JOIN ${target.stage} pgvb_passage ON ${sameKeySql(target, keyRefs(target, 'pgvb_passage.'), held)}
       WHERE ${stageRangeSql(target, bounds, values, 'pgvb_passage.')} ORDER BY pgvb_passage.chunk
      ON CONFLICT (${refs.join(', ')}, chunk) DO UPDATE SET ${replaced.join(', ')}
        WHERE excluded.chunk = 0 OR NOT (${isAsItWas}))
    SELECT ${keyTextSql(target, held)} AS key, NULL::bytea AS hash FROM pgvb_held`;
}

/** $1 hashes, $2 fingerprint; the keys go behind them. */
function clearSql(target: Target, keys: readonly string[], values: unknown[]): string {
  const key = legacyKey(target);
  const isSame = sameKeySql(target, key, keyAliases(target, 'pgvb_gone.'));
  const gone = `(SELECT ${keyAliases(target).join(', ')}, pgvb_hash FROM ${keyListSql(target, keys, values, 'u', '$1::bytea[]', 'pgvb_hash')}) pgvb_gone`;
  const isGone = `EXISTS (SELECT 1 FROM ${target.table}, ${gone}
          WHERE ${keyInSql(target, key, keys, values)} AND ${isSame} AND ${sameKeySql(target, keyRefs(target, 'pgvb_stored.'), key)}
            AND CASE WHEN ${isSame} THEN ${textHashSql(target, '$2')} = pgvb_gone.pgvb_hash END)`;
  return deleteStoredSql(
    target,
    `${keyInSql(target, keyRefs(target, 'pgvb_stored.'), keys, values)} AND ${isGone}`,
  );
}

async function removeOne(
  db: Queryable,
  target: Target,
  { key, version }: { key: string; version: string },
): Promise<void> {
  const values: unknown[] = [];
  const isKey = keyInSql(target, keyRefs(target, 'pgvb_stored.'), [key], values);
  const isUnwritten = `EXISTS (SELECT 1 FROM ${target.table} WHERE ${sameKeySql(target, legacyKey(target), keyRefs(target, 'pgvb_stored.'))}
        AND ${rowVersionSql(target)} = $${values.push(version)})`;
  await db.query(deleteStoredSql(target, `${isKey} AND ${isUnwritten}`), values);
}

/** What is staged goes first: whoever is just merging it is waited for, and seen by the statement behind. */
export const tableWrites: StoreWrites = {
  async hold(db, target, keys, purpose) {
    // Of a row without text nothing need be staged.
    if (purpose === 'clear') return keys;
    const values: unknown[] = [];
    const locked = await db.query<{ key: string }>(lockSql(target, keys, values), values);
    return locked.rows.map((row) => row.key);
  },
  async merge(db, target, keys, { fingerprint }) {
    const values: unknown[] = [fingerprint];
    const merged = await db.query<MergedRow>(mergeBesideSql(target, '$1', keys, values), values);
    return merged.rows;
  },
  async clear(db, target, rows, fingerprint) {
    const keys = rows.map((row) => row.key);
    await deleteStaged(db, target, keys);
    const values: unknown[] = [rows.map((row) => row.hash), fingerprint];
    await db.query(clearSql(target, keys, values), values);
  },
  async remove(db, target, row, clears) {
    await deleteStaged(db, target, [row.key]);
    if (clears) await removeOne(db, target, row);
    return row.version;
  },
};
