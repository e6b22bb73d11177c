/**
 * A repeatable sample of a table's rows that does not read all of it. Pages are drawn, and a page's rows are neighbours in the
 * table: so several times the rows wanted are drawn, and thinned by a hash of their keys.
 */

import { keyTextSql, legacyKey } from './key.ts';
import type { Target } from './backfill-target.ts';

/** Behind a table. $1 percent of its pages. @param seed another one draws other pages */
export const sampledPagesSql = (seed = 1): string => `TABLESAMPLE SYSTEM ($1) REPEATABLE (${seed})`;

export interface SampleOptions {
  /** The table, under its own name, with its sampled pages. */
  from?: string;
  /** Beside the key, each behind a comma. */
  columns?: string;
  condition?: string;
}

/** Keys as text. $1 percent of the pages, $2 rows at most. */
export function sampleSql(
  target: Target,
  { from = `${target.table} ${sampledPagesSql()}`, columns = '', condition = 'true' }: SampleOptions = {},
): string {
  const key = keyTextSql(target, legacyKey(target));
  return `SELECT ${key} AS key${columns} FROM ${from} WHERE ${condition} ORDER BY md5(${key}) LIMIT $2`;
}

/** As many times the pages as would do for a table that is evenly filled, for one that is not, or of which few rows count. */
export const MORE_PAGES = 25;

/**
 * Draws from a share of the pages, and where that comes out short once more from a larger one: pages may be half empty, and few
 * of their rows may count.
 */
export async function drawEnough<T>(
  draw: (percent: number) => Promise<T>,
  { percent, more }: { percent: number; more: number },
  isShort: (drawn: T) => boolean,
): Promise<T> {
  const drawn = await draw(percent);
  return percent < more && isShort(drawn) ? draw(more) : drawn;
}
