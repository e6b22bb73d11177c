/** Step 2: the rows of a range that need work, by keyset, outside any transaction. */

import { NEEDS_WORK, rowStatesSql, type KeyRange } from '../table/row-state.ts';
import type { PipelineContext } from './context.ts';

export interface WorkRow {
  key: string;
  /** Cut to what the model can read; empty where the vector is staged already. */
  text: string;
  /** Of the whole text, 32 bytes. */
  hash: Buffer;
  /** No text (any more): what is there of a vector goes away. */
  empty: boolean;
  /** The staging table has a row of this key, of whatever text. */
  hasStage: boolean;
  /** …of this very text: it is not embedded again. */
  isStaged: boolean;
  wasQuarantined: boolean;
  /** The text is longer than what was read of it. */
  cut: boolean;
}

/** The next `limit` rows behind `after` in key order; fewer mean that the range is through. */
export async function readWork(
  context: PipelineContext,
  range: KeyRange,
  after: string | null,
  limit: number,
): Promise<WorkRow[]> {
  const { target, embedder } = context;
  const values: unknown[] = [];
  const states = rowStatesSql(target, embedder.fingerprint, range, values);
  const characters = `$${values.push(embedder.maxCharacters)}::int`;
  const behind = after === null ? 'true' : `key > $${values.push(after)}::${target.keyType}`;
  const found = await context.pool.query<WorkRow>(
    `SELECT key::text AS key, CASE WHEN is_staged THEN '' ELSE left(text, ${characters}) END AS text, hash,
            text !~ '\\S' AS empty, has_stage AS "hasStage", is_staged AS "isStaged", was_quarantined AS "wasQuarantined",
            length(text) > ${characters} AS cut
       FROM (${states}) rows WHERE state IN ${NEEDS_WORK} AND ${behind}
      ORDER BY rows.key LIMIT $${values.push(limit)}`,
    values,
  );
  return found.rows;
}
