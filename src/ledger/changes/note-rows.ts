/** Changes that nobody has captured, noted as a trigger would have: sync is to look at these rows. */

import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';
import { sharedName } from './shared-changes.ts';
import { keyAliases, keyRefs, keyTextSql, legacyKey, parsedKeySql, sameKeySql } from '../../table/key.ts';
import { legacyRangeSql, stageRangeSql, storeRangeSql, type KeyRange } from '../../table/key-range.ts';
import { NEEDS_WORK, QUARANTINED, STAGED, readableTable, rowStatesSql } from '../rows/row-state.ts';

/** Rows of the range that are to be embedded. */
export async function noteRowsToEmbed(
  db: Queryable,
  target: Target,
  fingerprint: string,
  range: KeyRange,
): Promise<void> {
  const values: unknown[] = [];
  const states = rowStatesSql(target, fingerprint, range, values);
  await db.query(
    `INSERT INTO pgvector_backfill.change (backfill, key)
     SELECT $${values.push(target.backfill)}, ${keyTextSql(target, keyAliases(target))} FROM (${states}) rows WHERE state IN ${NEEDS_WORK}`,
    values,
  );
}

/**
 * The same, and with `orphans` staged rows without their legacy row, that no change stands for yet.
 * @returns how many there were
 */
export async function noteMissedRows(
  db: Queryable,
  target: Target,
  fingerprint: string,
  range: KeyRange,
  orphans: boolean,
): Promise<number> {
  const values: unknown[] = [];
  const states = rowStatesSql(target, fingerprint, range, values);
  const backfill = `$${values.push(target.backfill)}`;
  const shared = `$${values.push(sharedName(target.backfill))}`;
  const gone = orphans ? orphansSql(target, range, backfill, values) : '';
  const noted = await db.query(
    `INSERT INTO pgvector_backfill.change (backfill, key)
     SELECT ${backfill}, f.key FROM (
       SELECT ${keyTextSql(target, keyAliases(target, 'rows.'))} AS key FROM (${states}) rows WHERE state IN ${NEEDS_WORK}
       ${gone}) f
      WHERE NOT EXISTS (SELECT 1 FROM pgvector_backfill.change c WHERE c.backfill IN (${backfill}, ${shared}) AND c.key = f.key)`,
    values,
  );
  return noted.rowCount ?? 0;
}

function orphansSql(target: Target, range: KeyRange, backfill: string, values: unknown[]): string {
  const key = keyRefs(target, `${STAGED}.`);
  const legacy = legacyKey(target);
  const { from, eligible } = readableTable(target, backfill);
  const staged = stageRangeSql(target, range, values, `${STAGED}.`);
  const legacyRange = legacyRangeSql(target, range, values);
  const gone = `NOT EXISTS (SELECT 1 FROM ${from} WHERE ${legacyRange} AND`;
  const beside = keyRefs(target, 'pgvb_stored.');
  const stored =
    target.store.kind === 'column'
      ? ''
      : `
       UNION SELECT ${keyTextSql(target, beside)} FROM ${target.store.table} pgvb_stored WHERE ${storeRangeSql(target, range, values, 'pgvb_stored.')} AND pgvb_stored.chunk = 0
          AND ${gone} ${sameKeySql(target, legacy, beside)} AND ${eligible})`;
  return `UNION ALL
       SELECT ${keyTextSql(target, key)} FROM ${target.stage} ${STAGED} WHERE ${staged}
          AND ${gone} ${sameKeySql(target, legacy, key)} AND ${eligible})${stored}`;
}

/** Quarantined rows that are gone, or take part no more. @returns how many there were */
export async function noteQuarantinedGone(db: Queryable, target: Target): Promise<number> {
  const { from, eligible } = readableTable(target, '$1');
  const noted = await db.query(
    `INSERT INTO pgvector_backfill.change (backfill, key)
     SELECT ${QUARANTINED}.backfill, ${QUARANTINED}.key FROM pgvector_backfill.quarantine ${QUARANTINED} WHERE ${QUARANTINED}.backfill = $1
        AND NOT EXISTS (SELECT 1 FROM ${from}
                         WHERE ${sameKeySql(target, legacyKey(target), parsedKeySql(target, `${QUARANTINED}.key`))} AND ${eligible})`,
    [target.backfill],
  );
  return noted.rowCount ?? 0;
}
