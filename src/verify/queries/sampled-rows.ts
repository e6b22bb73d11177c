/** Rows as queries: a repeatable random sample that does not read the whole table. */

import { quoteName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { readableTable } from '../../ledger/rows/row-state.ts';
import type { Target } from '../../table/backfill-target.ts';

export interface SampledRow {
  key: string;
  /** As pgvector's text form. */
  vector: string;
}

/** Pages are sampled, and a page's rows are neighbours in the table: several times the rows wanted are drawn, then thinned. */
const OVERSAMPLING = 20;

export async function sampleRows(
  db: Queryable,
  target: Target,
  embedded: number,
  count: number,
): Promise<SampledRow[]> {
  const share = Math.min(100, (100 * OVERSAMPLING * count) / Math.max(embedded, 1));
  const rows = await draw(db, target, share, count);
  // On a small or unevenly filled table a draw of pages can come out short.
  return rows.length < count && share < 100 ? draw(db, target, 100, count) : rows;
}

async function draw(db: Queryable, target: Target, share: number, count: number): Promise<SampledRow[]> {
  const key = quoteName(target.key);
  const { from, eligible } = readableTable(target, '$3', 'TABLESAMPLE SYSTEM ($1) REPEATABLE (1)');
  const found = await db.query<SampledRow>(
    `SELECT ${target.ref}.${key}::text AS key, ${target.ref}.${quoteName(target.column)}::text AS vector FROM ${from}
      WHERE ${target.ref}.${quoteName(target.column)} IS NOT NULL AND ${eligible}
      ORDER BY md5(${target.ref}.${key}::text) LIMIT $2`,
    [share, count, target.backfill],
  );
  return found.rows;
}
