/** Which rows of the table are looked at before their vectors are taken over. */

import { quoteName } from '../../db/identifiers.ts';
import type { Pool, Queryable } from '../../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { STAGED } from '../../ledger/rows/row-state.ts';
import { estimatedRows } from '../../table/partitions.ts';
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
  const key = quoteName(target.key);
  const unstaged =
    found.rows[0]?.present === true
      ? ` AND NOT EXISTS (SELECT 1 FROM ${target.stage} ${STAGED} WHERE ${STAGED}.${key} = ${target.ref}.${key})`
      : '';
  return `${target.ref}.${quoteName(target.column)} IS NOT NULL${unstaged}`;
}

/**
 * Keys as text, in an order that says nothing of them: from pages all over the table, and from both ends of the order of keys.
 * Each draw takes other ones, so that nobody can put right the sample alone. Reads a bounded part of the table.
 * @param rows as many are to be compared. @returns several times as many, where there are
 */
export async function drawKeys(pool: Pool, target: Target, rows: number): Promise<string[]> {
  const wanted = await condition(pool, target);
  const estimate = Math.max(1, await estimatedRows(pool, target.table));
  const percentOf = (each: number): number => Math.min(100, (100 * each * rows) / estimate);
  const seed = Math.floor(Math.random() * 2 ** 31);
  const key = `${target.ref}.${quoteName(target.key)}`;
  const sql = `SELECT ${key}::text AS key FROM ${target.table} ${sampledPagesSql(seed)} WHERE ${wanted}
      ORDER BY md5(${key}::text || '${seed}') LIMIT $2`;
  const draw = async (percent: number): Promise<string[]> => {
    const drawn = await inReadOnly(pool, TABLE_LIMITS, (client) =>
      client.query<{ key: string }>(sql, [percent, KEYS_PER_ROW * rows]),
    );
    return drawn.rows.map((row) => row.key);
  };
  const spread = await drawEnough(
    draw,
    { percent: percentOf(READ_PER_ROW), more: percentOf(MOST_READ_PER_ROW) },
    (few) => few.length < rows,
  );
  if (spread.length <= rows) return spread;
  const ends = await endKeys(pool, target, wanted, Math.min(ROWS_OF_AN_END, Math.floor(rows / 20)));
  const among = new Set(ends);
  const others = spread.filter((each) => !among.has(each));
  // Between the others: the first hundreds may be all that is looked at.
  const every = Math.max(1, Math.floor(rows / Math.max(1, ends.length)));
  return others.flatMap((each, at) => {
    const end = at % every === 0 ? ends[at / every] : undefined;
    return end === undefined ? [each] : [end, each];
  });
}

async function endKeys(pool: Pool, target: Target, wanted: string, rows: number): Promise<string[]> {
  const key = `${target.ref}.${quoteName(target.key)}`;
  const end = (order: string): string =>
    `(SELECT ${key}::text AS key, ${wanted} AS wanted FROM ${target.table} ORDER BY ${key} ${order} LIMIT $1)`;
  const found = await inReadOnly(pool, TABLE_LIMITS, (client) =>
    client.query<{ key: string }>(`SELECT key FROM (${end('ASC')} UNION ${end('DESC')}) ends WHERE wanted`, [
      rows,
    ]),
  );
  return found.rows.map(({ key: each }) => each);
}
