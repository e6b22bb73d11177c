/**
 * What an index of bits will find, before it is built: by a sample of the table's vectors, in which the nearest rows of some
 * are looked up by their bits. Of true neighbours fewer stand among the first candidates the more rows there are, about as
 * much for each doubling: so it is measured on a part of the sample, too, and carried on to the rows of the table.
 */

import { quoteName } from '../../db/identifiers.ts';
import type { Pool } from '../../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import type { Target } from '../../table/backfill-target.ts';
import { scanDepth } from '../../table/candidates.ts';
import { bitDistance, bitsSql } from '../../table/distance.ts';
import { distanceOperator, type Metric } from '../../table/metric.ts';
import { sampledPagesSql } from '../../table/sample-rows.ts';

export interface BitsRecallInput {
  pool: Pool;
  target: Target;
  metric: Metric;
  dimensions: number;
  /** Rows with a vector. */
  rows: number;
}

const SAMPLE = 4000;
/** Among fewer rows of many, bits find nearly all. */
const MIN_SAMPLE = 1000;
const QUERIES = 50;
const NEAREST = 10;
/** Of the sample. */
const PART = 4;
/** Pages may be half empty. */
const OVERSAMPLING = 10;

/** Share of the ten nearest rows among the candidates, without what the graph itself misses; null where it cannot be told. */
export async function forecastBitsRecall(input: BitsRecallInput): Promise<number | null> {
  const { pool, rows } = input;
  try {
    return await inReadOnly(pool, { ...TABLE_LIMITS, tries: 1 }, async (client) => {
      const measure = async (limit: number): Promise<{ recall: number | null; rows: number }> => {
        const percent = Math.min(100, (100 * OVERSAMPLING * SAMPLE) / Math.max(rows, 1));
        const found = await client.query<{ recall: number | null; rows: number }>(recallSql(input), [
          percent,
          SAMPLE,
          limit,
        ]);
        return found.rows[0] ?? { recall: null, rows: 0 };
      };
      const whole = await measure(SAMPLE);
      if (whole.recall === null || whole.rows >= rows) return whole.recall;
      if (whole.rows < MIN_SAMPLE) return null;
      const part = await measure(Math.floor(whole.rows / PART));
      const loss = Math.max(0, (part.recall ?? 1) - whole.recall) / Math.log2(PART);
      return Math.max(0, whole.recall - loss * Math.log2(rows / whole.rows));
    });
  } catch {
    // A forecast is not worth more than what it is for: whoever needs the server next finds out whether it is there.
    return null;
  }
}

/** $1 percent of the pages, $2 rows to draw, $3 rows of these to look among. */
function recallSql({ target, metric, dimensions }: BitsRecallInput): string {
  const indexed = { method: 'hnsw', type: 'bit' } as const;
  const candidates = Math.max(target.candidates, scanDepth({ indexed, hasPassages: false }, NEAREST));
  const column = quoteName(target.store.column);
  const distance = `pgvb_query.pgvb_vector ${distanceOperator(metric, target.vectorPrefix)} pgvb_row.pgvb_vector`;
  return `WITH pgvb_drawn AS MATERIALIZED (
      SELECT pgvb_vector, row_number() OVER () AS pgvb_number, ${bitsSql(target, 'pgvb_vector', dimensions)} AS pgvb_bits
        FROM (SELECT ${column} AS pgvb_vector FROM ${target.store.table} ${sampledPagesSql()} WHERE ${column} IS NOT NULL
               ORDER BY md5(ctid::text) LIMIT $2) pgvb_sampled),
    pgvb_ranked AS (
      SELECT row_number() OVER (PARTITION BY pgvb_query.pgvb_number ORDER BY ${distance}) AS pgvb_place,
             rank() OVER (PARTITION BY pgvb_query.pgvb_number ORDER BY ${bitDistance(target, 'pgvb_query.pgvb_bits', 'pgvb_row.pgvb_bits')}) AS pgvb_rank
        FROM pgvb_drawn pgvb_query JOIN pgvb_drawn pgvb_row ON pgvb_row.pgvb_number <> pgvb_query.pgvb_number
       WHERE pgvb_query.pgvb_number <= ${QUERIES} AND pgvb_row.pgvb_number <= $3)
    SELECT avg(CASE WHEN pgvb_rank <= ${candidates} THEN 1.0 ELSE 0.0 END)::float8 AS recall, (SELECT count(*)::float8 FROM pgvb_drawn) AS rows
      FROM pgvb_ranked WHERE pgvb_place <= ${NEAREST}`;
}
