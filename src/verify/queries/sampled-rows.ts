/** Rows as queries: a repeatable random sample that does not read the whole table. */

import type { Queryable } from '../../db/pool.ts';
import { readableTable } from '../../ledger/rows/row-state.ts';
import { drawEnough, sampleSql, sampledPagesSql } from '../../table/sample-rows.ts';
import { vectorColumn, vectorJoin } from '../../table/stored-vectors.ts';
import type { Target } from '../../table/backfill-target.ts';

export interface SampledRow {
  key: string;
  /** As pgvector's text form. */
  vector: string;
}

/** Of the pages that rows wanted would fill. */
const OVERSAMPLING = 20;

/** @param seed another one draws other pages */
export async function sampleRows(
  db: Queryable,
  target: Target,
  embedded: number,
  count: number,
  seed = 1,
): Promise<SampledRow[]> {
  const share = Math.min(100, (100 * OVERSAMPLING * count) / Math.max(embedded, 1));
  return drawEnough(
    (percent) => draw(db, target, { percent, count, seed }),
    { percent: share, more: 100 },
    (rows) => rows.length < count,
  );
}

async function draw(
  db: Queryable,
  target: Target,
  { percent, count, seed }: { percent: number; count: number; seed: number },
): Promise<SampledRow[]> {
  const column = vectorColumn(target);
  const { from, eligible } = readableTable(target, '$3', sampledPagesSql(seed));
  const found = await db.query<SampledRow>(
    sampleSql(target, {
      from: `${from}${vectorJoin(target, 'first')}`,
      columns: `, ${column}::text AS vector`,
      condition: `${column} IS NOT NULL AND ${eligible}`,
    }),
    [percent, count, target.backfill],
  );
  return found.rows;
}
