/** Step 2: the rows of a range that need work, by keyset, outside any transaction. */

import { NEEDS_WORK, rowStatesSql } from '../ledger/rows/row-state.ts';
import { keyAliases, keyFieldsSql, keyOrderSql, keyTextSql } from '../table/key.ts';
import { rangeAfter, type KeyRange } from '../table/key-range.ts';
import { beginningSql, isShortSql, lengthLimitSql } from '../table/text-expressions.ts';
import type { PipelineContext } from './pipeline-context.ts';

export interface WorkRow {
  key: string;
  /** The key as binary COPY has its columns (`keyFieldsSql`). */
  fields: Buffer;
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
  /** The store has a vector of the row, of whatever text. */
  hasVector: boolean;
  wasQuarantined: boolean;
  /** The text is longer than what was read of it. */
  cut: boolean;
  /** Of the whole text, in characters; in bytes, where nobody asks and the text is short. */
  length: number;
}

export interface WorkPage {
  rows: WorkRow[];
  /** Where the next page begins; null where the range is through. */
  after: string | null;
  /** Rows to ask for in the next page. */
  limit: number;
}

/** Characters of one page: bounds the memory of a batch of long texts, with texts being cut besides. */
const PAGE_CHARACTERS = 8_000_000;

/** The next rows behind `after` in key order, at most `limit`, and no more text than fits a page. */
export async function readWork(
  context: PipelineContext,
  range: KeyRange,
  after: string | null,
  limit: number,
): Promise<WorkPage> {
  const { target, embedder, settings } = context;
  const values: unknown[] = [];
  const states = rowStatesSql(target, embedder.fingerprint, rangeAfter(range, after), values);
  const characters = `$${values.push(embedder.maxCharacters)}::int`;
  const limitSql = lengthLimitSql(characters);
  const isShort = isShortSql('text', characters);
  // Which characters a passage is of stands beside it.
  const length =
    target.store.kind === 'table'
      ? 'length(text)'
      : `CASE WHEN ${isShort} THEN octet_length(text) ELSE length(text) END`;
  const key = keyAliases(target);
  const order = keyOrderSql(target, keyAliases(target, 'part.'));
  const found = await context.pool.query<WorkRow & { found: number }>(
    `SELECT ${keyTextSql(target, key)} AS key, CASE WHEN is_staged OR is_empty THEN ''::bytea ELSE ${keyFieldsSql(target, key)} END AS fields, text, hash, is_empty AS empty, has_stage AS "hasStage", is_staged AS "isStaged", has_vector AS "hasVector",
            was_quarantined AS "wasQuarantined", cut, length, found
       FROM (SELECT *, count(*) OVER ()::int AS found, sum(characters) OVER (ORDER BY ${order}) - characters AS before
               FROM (SELECT *, CASE WHEN short THEN length ELSE least(length, ${limitSql}) END AS characters, NOT short AND length > ${limitSql} AS cut
                       FROM (SELECT ${key.join(', ')}, hash, is_empty, has_stage, is_staged, has_vector, was_quarantined,
                                    CASE WHEN is_staged THEN '' ELSE ${beginningSql('text', characters)} END AS text, ${length} AS length, ${isShort} AS short
                               FROM (${states}) rows WHERE state IN ${NEEDS_WORK}
                              ORDER BY ${keyOrderSql(target, keyAliases(target, 'rows.'))} LIMIT $${values.push(limit + 1)}) counted) part) page
      WHERE before < $${values.push(PAGE_CHARACTERS)} ORDER BY ${keyOrderSql(target, keyAliases(target, 'page.'))}`,
    values,
  );
  // The length of a text is counted once: below a LIMIT no expression is written out again.
  // One row more than wanted tells whether there is another page, without asking for it.
  const rows = found.rows.slice(0, limit);
  const complete = found.rows[0]?.found ?? 0;
  const cutShort = rows.length < Math.min(complete, limit);
  return {
    rows,
    after: rows.length < complete ? (rows.at(-1)?.key ?? null) : null,
    // Rows that do not fit are read and hashed for nothing: the next page asks for about as many as did.
    limit: cutShort ? Math.ceil(rows.length * 1.5) : Math.min(limit * 2, settings.batchRows),
  };
}
