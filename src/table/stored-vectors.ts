/** The vectors of rows in SQL, whichever store they are in. The legacy table goes by its own name in all of it. */

import { quoteName } from '../db/identifiers.ts';
import { aliasedKey, keyAliases, keyRefs, legacyKey, sameKeySql } from './key.ts';
import type { Target } from './backfill-target.ts';

/** What a table beside goes by, in statements that read the legacy table too: the operator's expressions may name any column of theirs. */
const VECTORS = 'pgvb_vectors';
const VECTOR = 'pgvb_vector';

/** Of each passage of a row, in statements that have every one of them: its number, and where it is in the row's text. */
export const passageColumns: Readonly<Record<'number' | 'start' | 'end', string>> = {
  number: `${VECTORS}.pgvb_chunk`,
  start: `${VECTORS}.pgvb_start`,
  end: `${VECTORS}.pgvb_end`,
};
const PASSAGE = ', chunk AS pgvb_chunk, chunk_start AS pgvb_start, chunk_end AS pgvb_end';

/** A row's vector; of statements that have `vectorRows` or `vectorJoin` in their FROM clause. */
export const vectorColumn = ({ store, ref }: Target): string =>
  store.kind === 'column' ? `${ref}.${quoteName(store.column)}` : `${VECTORS}.${VECTOR}`;

/** Of a row: its first passage, which is there wherever any is, or each of them. */
export type Passages = 'first' | 'each';

/** What stands behind the legacy table in a FROM clause for `vectorColumn` to be there; rows without a vector drop out of one beside. */
export function vectorJoin(target: Target, passages: Passages): string {
  if (target.store.kind === 'column') return '';
  const isSame = sameKeySql(target, legacyKey(target), keyAliases(target, `${VECTORS}.`));
  return ` JOIN ${storedVectors(target, passages)} ON ${isSame}`;
}

/** A table beside alone, in a FROM clause; its key goes by the names of `keyAliases`. */
export function storedVectors(target: Target, passages: Passages): string {
  const { store } = target;
  const passage = passages === 'each' && target.hasPassages ? PASSAGE : '';
  const first = passages === 'first' ? ' WHERE chunk = 0' : '';
  return `(SELECT ${aliasedKey(target, keyRefs(target))}, ${quoteName(store.column)} AS ${VECTOR}${passage} FROM ${store.table}${first}) ${VECTORS}`;
}

/** FROM clause with the legacy table and its vectors. @param sample TABLESAMPLE clause of the legacy table */
export const vectorRows = (target: Target, passages: Passages, sample = ''): string =>
  `${target.table}${sample === '' ? '' : ` ${sample}`}${vectorJoin(target, passages)}`;

/**
 * DELETE of what a table beside has of rows, whose first passage is `pgvb_stored` in `condition`. Of those alone whose first passage is
 * still what the statement has seen: one that is written meanwhile is of another text by now, or of a row that is there again. It
 * goes first, as a merge writes it first, and the others with it.
 */
export function deleteStoredSql(target: Target, condition: string): string {
  const { table } = target.store;
  const refs = keyRefs(target, 'pgvb_store.');
  const isSame = sameKeySql(target, refs, keyAliases(target, 'pgvb_first.'));
  return `WITH pgvb_seen AS (
      SELECT pgvb_stored.ctid AS pgvb_place, pgvb_stored.embedded_at AS pgvb_time FROM ${table} pgvb_stored WHERE pgvb_stored.chunk = 0 AND ${condition}),
    pgvb_first AS (
      DELETE FROM ${table} pgvb_store USING pgvb_seen
       WHERE pgvb_store.ctid = pgvb_seen.pgvb_place AND pgvb_store.embedded_at = pgvb_seen.pgvb_time RETURNING ${aliasedKey(target, refs)})
    DELETE FROM ${table} pgvb_store USING pgvb_first WHERE ${isSame} AND pgvb_store.chunk > 0`;
}
