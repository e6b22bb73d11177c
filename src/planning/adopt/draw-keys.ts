/** Which rows of the table are looked at before their vectors are taken over. */

import { quoteName } from '../../db/identifiers.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { STAGED } from '../../ledger/rows/row-state.ts';
import { keyOrderSql, keyRefs, keyTextSql, legacyKey, sameKeySql } from '../../table/key.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { drawEnough, sampledPagesSql } from '../../table/sample-rows.ts';
import type { Target } from '../../table/backfill-target.ts';

/** Keys for one row of the sample: not every row takes part, or has a text. */
const KEYS_PER_ROW = 4;
/** Rows of the pages that are read, for one of the sample: neighbours in a table have much in common. */
const READ_PER_ROW = 8;
/** The same where few rows have a vector: then the sample is smaller than wanted, and the table is not read whole for it. */
const MOST_READ_PER_ROW = 64;
/** Of each end of the order of keys: what was written first and last may be of another model. */
const ROWS_OF_AN_END = 50;

/** A row has a vector, and not from us. */
async function condition(db: Queryable, target: Target): Promise<string> {
  const found = await db.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS present', [
    target.stage,
  ]);
  const unstaged =
    found.rows[0]?.present === true
      ? ` AND NOT EXISTS (SELECT 1 FROM ${target.stage} ${STAGED} WHERE ${sameKeySql(target, keyRefs(target, `${STAGED}.`), legacyKey(target))})`
      : '';
  return `${target.ref}.${quoteName(target.column)} IS NOT NULL${unstaged}`;
}

export interface DrawnKeys {
  /** As text; several times as many as are to be compared, where there are. */
  keys: string[];
  /** They are those of all rows with such a vector. */
  isWhole: boolean;
}

/**
 * Keys in an order that says nothing of them: from pages all over the table, and from both ends of the order of keys.
 * Each draw takes other ones, so that nobody can put right the sample alone. Reads a bounded part of the table.
 * @param rows as many are to be compared
 */
export async function drawKeys(pool: Pool, target: Target, rows: number): Promise<DrawnKeys> {
  const wanted = await condition(pool, target);
  const estimate = Math.max(1, await estimatedRows(pool, target.table));
  const percentOf = (each: number): number => Math.min(100, (100 * each * rows) / estimate);
  const seed = Math.floor(Math.random() * 2 ** 31);
  const key = keyTextSql(target, legacyKey(target));
  const sql = `SELECT ${key} AS key FROM ${target.table} ${sampledPagesSql(seed)} WHERE ${wanted}
      ORDER BY md5(${key} || '${seed}') LIMIT $2`;
  let isWhole = false;
  const draw = async (percent: number): Promise<string[]> => {
    const drawn = await inReadOnly(pool, TABLE_LIMITS, (client) =>
      client.query<{ key: string }>(sql, [percent, KEYS_PER_ROW * rows]),
    );
    isWhole = percent === 100 && drawn.rows.length < KEYS_PER_ROW * rows;
    return drawn.rows.map((row) => row.key);
  };
  const spread = await drawEnough(
    draw,
    { percent: percentOf(READ_PER_ROW), more: percentOf(MOST_READ_PER_ROW) },
    (few) => few.length < rows,
  );
  if (spread.length <= rows) return { keys: spread, isWhole };
  const ends = await endKeys(pool, target, wanted, Math.min(ROWS_OF_AN_END, Math.floor(rows / 20)));
  const among = new Set(ends);
  const others = spread.filter((each) => !among.has(each));
  // Between the others: the first hundreds may be all that is looked at.
  const every = Math.max(1, Math.floor(rows / Math.max(1, ends.length)));
  const keys = others.flatMap((each, at) => {
    const end = at % every === 0 ? ends[at / every] : undefined;
    return end === undefined ? [each] : [end, each];
  });
  return { keys, isWhole };
}

async function endKeys(pool: Pool, target: Target, wanted: string, rows: number): Promise<string[]> {
  const refs = legacyKey(target);
  const end = (reversed: boolean): string =>
    `(SELECT ${keyTextSql(target, refs)} AS key, ${wanted} AS wanted FROM ${target.table} ORDER BY ${keyOrderSql(target, refs, reversed)} LIMIT $1)`;
  const found = await inReadOnly(pool, TABLE_LIMITS, (client) =>
    client.query<{ key: string }>(`SELECT key FROM (${end(false)} UNION ${end(true)}) ends WHERE wanted`, [
      rows,
    ]),
  );
  return found.rows.map(({ key: each }) => each);
}
