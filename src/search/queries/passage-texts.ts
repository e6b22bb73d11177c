/** Texts of passages that were found: of the row's text as it is now, by the places that the vectors of its passages have now. */

import type { Pool } from '../../db/pool.ts';
import { isOfARow } from '../../db/sqlstates.ts';
import { inReadOnlySearch, type TransactionLimits } from '../../db/transaction.ts';
import type { Target } from '../../table/backfill-target.ts';
import { keyAliases, keyListSql, keyTextSql, legacyKey, sameKeySql } from '../../table/key.ts';
import { passageColumns, vectorRows } from '../../table/stored-vectors.ts';
import { skippingUnreadable } from './unreadable-rows.ts';
import type { FoundPassage } from './vector-query.ts';

interface Found {
  key: string;
  passage?: FoundPassage;
}

/** The same, each passage with its text; without it where the row is not there any more, or has fewer passages by now. */
export async function withPassageTexts<T extends Found>(
  pool: Pool,
  target: Target,
  found: readonly T[],
  limits: TransactionLimits,
): Promise<T[]> {
  const cut = found.filter(({ passage }) => passage !== undefined);
  if (cut.length === 0) return [...found];
  const texts = await skippingUnreadable(target, (asked) => readTexts(pool, asked, cut, limits)).catch(
    (error: unknown) => {
      // A search that has hits must not fail for a row that cannot be read.
      if (isOfARow(error)) return new Map<string, string>();
      throw error;
    },
  );
  return found.map((row) => {
    const text = texts.get(row.key);
    return row.passage === undefined || text === undefined
      ? row
      : { ...row, passage: { ...row.passage, text } };
  });
}

async function readTexts(
  pool: Pool,
  target: Target,
  found: readonly Found[],
  limits: TransactionLimits,
): Promise<Map<string, string>> {
  const { number, start, end } = passageColumns;
  const values: unknown[] = [found.map(({ passage }) => passage?.number)];
  const keys = found.map(({ key }) => key);
  const list = keyListSql(target, keys, values, 'pgvb_list', '$1::pg_catalog.int4[]', 'pgvb_number');
  const own = legacyKey(target);
  const isSame = sameKeySql(target, own, keyAliases(target, 'pgvb_list.'));
  const text = `pg_catalog.substr(${target.text}, ${start} OPERATOR(pg_catalog.+) 1, ${end} OPERATOR(pg_catalog.-) ${start})`;
  const rows = await inReadOnlySearch(pool, limits, (client) =>
    client.query<{ key: string; text: string }>(
      `SELECT ${keyTextSql(target, own)} AS key, ${text} AS text FROM ${vectorRows(target, 'each')}
         JOIN ${list} ON ${isSame} AND ${number} OPERATOR(pg_catalog.=) pgvb_list.pgvb_number`,
      values,
    ),
  );
  return new Map(rows.rows.map((row) => [row.key, row.text]));
}
