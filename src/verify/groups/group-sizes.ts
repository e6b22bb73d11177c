/** How large the groups of a column are, by deciles, and a few groups of each; values of the column go no further than the searches. */

import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import type { Pool } from '../../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { ConfigError } from '../../errors.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { sampledPagesSql } from '../../table/sample-rows.ts';
import { vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { GroupColumn } from './group-column.ts';

export interface GroupSizes {
  /** `sample`: of some of the pages of a large table, its counts multiplied; groups of few rows are seldom among them. */
  source: 'table' | 'sample';
  /** Groups and rows with a vector; those without a value are in neither. */
  groups: number;
  rows: number;
  nullRows: number;
  deciles: Decile[];
}

export interface Decile {
  /** From 1, the smallest groups; fewer than ten where there are fewer groups. */
  decile: number;
  groups: number;
  rows: number;
  minRows: number;
  maxRows: number;
  /** To be asked within: drawn, the largest of all first. */
  picked: PickedGroup[];
}

export interface PickedGroup {
  value: string;
  rows: number;
}

/** Up to here one pass over the table takes seconds. */
const WHOLE_ROWS = 2_000_000;
/** Of a larger one. */
const SAMPLED_ROWS = 500_000;
const PICKED = 3;
const LIMITS = { ...TABLE_LIMITS, tries: 1 };

interface Row {
  decile: number;
  groups: number;
  rows: number;
  minRows: number;
  maxRows: number;
  values: string[];
  sizes: number[];
}

/**
 * @param wholeRows up to which all rows are read
 * @throws ConfigError `BY_GROUPS` where there is nothing to tell apart
 */
export async function groupSizes(
  pool: Pool,
  target: Target,
  column: GroupColumn,
  wholeRows = WHOLE_ROWS,
): Promise<GroupSizes> {
  const estimated = await estimatedRows(pool, target.table);
  const percent = Math.min(100, (100 * SAMPLED_ROWS) / Math.max(1, estimated));
  if (estimated > wholeRows) return sizesOf(await read(pool, target, column, percent), column, percent);
  try {
    return sizesOf(await read(pool, target, column, null), column, null);
  } catch (error) {
    // Wide rows, a slow disk: what could not be read in time is sampled.
    if (!hasSqlState(error, SQLSTATE.queryCanceled) || percent >= 100) throw error;
    return sizesOf(await read(pool, target, column, percent), column, percent);
  }
}

/** NULL is decile 0. */
async function read(
  pool: Pool,
  target: Target,
  { ref, valueText }: GroupColumn,
  percent: number | null,
): Promise<Row[]> {
  const from = vectorRows(target, 'first', percent === null ? '' : sampledPagesSql());
  const found = await inReadOnly(pool, LIMITS, (client) =>
    client.query<Row>(
      `WITH sized AS (
         SELECT ${ref} AS pgvb_value, min(${valueText}) AS pgvb_text, count(*) AS pgvb_rows FROM ${from}
          WHERE ${target.where} AND ${vectorColumn(target)} IS NOT NULL GROUP BY 1),
       ranked AS (
         SELECT pgvb_text, pgvb_rows, max(pgvb_rows) OVER () AS pgvb_most,
                CASE WHEN pgvb_value IS NULL THEN 0 ELSE ntile(10) OVER (PARTITION BY pgvb_value IS NULL ORDER BY pgvb_rows) END AS pgvb_decile
           FROM sized),
       placed AS (
         SELECT pgvb_text, pgvb_rows, pgvb_decile,
                row_number() OVER (PARTITION BY pgvb_decile ORDER BY pgvb_rows = pgvb_most DESC, md5(pgvb_text)) AS pgvb_place
           FROM ranked)
       SELECT pgvb_decile AS decile, count(*)::float8 AS groups, sum(pgvb_rows)::float8 AS rows, min(pgvb_rows)::float8 AS "minRows", max(pgvb_rows)::float8 AS "maxRows",
              array_agg(pgvb_text ORDER BY pgvb_place) FILTER (WHERE pgvb_place <= ${PICKED}) AS values,
              array_agg(pgvb_rows::float8 ORDER BY pgvb_place) FILTER (WHERE pgvb_place <= ${PICKED}) AS sizes
         FROM placed GROUP BY 1 ORDER BY 1`,
      percent === null ? [] : [percent],
    ),
  );
  return found.rows;
}

function sizesOf(rows: readonly Row[], { name }: GroupColumn, percent: number | null): GroupSizes {
  const scale = (seen: number): number => (percent === null ? seen : Math.round((seen * 100) / percent));
  const nullRows = scale(rows.find(({ decile }) => decile === 0)?.rows ?? 0);
  const deciles = rows
    .filter(({ decile }) => decile > 0)
    .map(({ values, sizes, ...each }): Decile => ({
      ...each,
      rows: scale(each.rows),
      minRows: scale(each.minRows),
      maxRows: scale(each.maxRows),
      picked: values.map((value, at) => ({ value, rows: scale(sizes[at] ?? 0) })),
    }));
  const sum = (field: 'groups' | 'rows'): number => deciles.reduce((total, each) => total + each[field], 0);
  const groups = sum('groups');
  const refused = (why: string): ConfigError =>
    new ConfigError(`--by ${name}: ${why}.`, {
      code: 'BY_GROUPS',
      remedy: 'Name a column that tells groups of rows apart, such as that of the tenant.',
    });
  if (groups === 0)
    throw refused(
      nullRows === 0
        ? 'no row has a vector yet'
        : 'every row with a vector has NULL there, which no search asks for by equality',
    );
  if (groups === 1)
    throw refused(
      'every row with a vector has the same value, so that a search within it is one of all rows',
    );
  if (rows.every(({ decile, maxRows }) => decile === 0 || maxRows === 1) && percent === null)
    throw refused('every row has a value of its own, so that a search within a group has nothing to rank');
  return { source: percent === null ? 'table' : 'sample', groups, rows: sum('rows'), nullRows, deciles };
}
