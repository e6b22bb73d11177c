/**
 * The one definition of what state a row is in. Reading, merging, planning, accounting and verifying all use it,
 * so that they cannot disagree about which rows are done.
 *
 * | state       | meaning                                                                                       |
 * |-------------|-----------------------------------------------------------------------------------------------|
 * | skipped     | no text, or one that is too long by the operator's choice; no vector                          |
 * | embedded    | has the vector that the staging table holds for the present text by the present model          |
 * | quarantined | the present text could not be embedded, or the table refuses to take its vector                 |
 * | stale       | has a vector, but of another text, another model or unknown origin                            |
 * | missing     | has text and no vector                                                                        |
 */

import { quoteName } from '../db/identifiers.ts';
import type { Target } from './target.ts';

/** sha256 of fingerprint and text: another model or another text is another hash. `fingerprint` is a placeholder. */
export function textHashSql(target: Target, fingerprint: string): string {
  return hashSql(fingerprint, target.text);
}

const hashSql = (fingerprint: string, text: string): string =>
  `sha256(convert_to(${fingerprint}::text || chr(10) || ${text}, 'UTF8'))`;

export interface KeyRange {
  /** Inclusive; null = open. */
  lower: string | null;
  /** Exclusive; null = open. */
  upper: string | null;
  /** Of the range only these; all where absent. */
  keys?: readonly string[];
}

/** Condition on `column`; bounds and keys go to `values`, open ends are left out so that the index range is exact. */
export function rangeSql(target: Target, column: string, range: KeyRange, values: unknown[]): string {
  const parts: string[] = [];
  if (range.lower !== null) parts.push(`${column} >= $${values.push(range.lower)}::${target.keyType}`);
  if (range.upper !== null) parts.push(`${column} < $${values.push(range.upper)}::${target.keyType}`);
  if (range.keys !== undefined)
    parts.push(`${column} = ANY ($${values.push(range.keys)}::${target.keyType}[])`);
  return parts.length === 0 ? 'true' : parts.join(' AND ');
}

/** The staged vector is of type `vector`, whatever the column is. */
export function sameVectorSql({ columnType, vectorPrefix }: Target, staged: string, stored: string): string {
  return columnType === 'vector'
    ? `${vectorPrefix}vector_eq(${staged}, ${stored})`
    : `${vectorPrefix}halfvec_eq(${staged}::${vectorPrefix}halfvec, ${stored})`;
}

/**
 * Aliases of staging and quarantine table beside the legacy table, which goes by its own name: that may be `s` or `staged`,
 * and would stand for itself then.
 */
export const STAGED = 'pgvb_staged';
export const SET_ASIDE = 'pgvb_set_aside';

/** The work is the same for every row of these states: bring the vector in line with the text. */
export const NEEDS_WORK = `('missing', 'stale')`;

/**
 * A derived table of the eligible rows of a key range with columns `key`, `text`, `hash`, `has_vector`, `has_stage`, `is_staged`, `was_quarantined`, `truncated`, `state`.
 * The vectors themselves are compared, not only the hashes: a worker that dies between staging a new vector and merging it
 * leaves a new hash beside an old vector.
 * OFFSET 0 keeps PostgreSQL from moving an expression to each place where its value is used: text, hash and state were
 * computed up to eight times a row.
 * The legacy table is read in an inner query of its own, so that the operator's expressions see its columns only.
 * `fingerprint` and the range go to `values`; the caller numbers its further parameters behind them.
 */
export function rowStatesSql(
  target: Target,
  fingerprint: string,
  range: KeyRange,
  values: unknown[],
): string {
  const key = quoteName(target.key);
  const fingerprintParameter = `$${values.push(fingerprint)}`;
  const backfillParameter = `$${values.push(target.backfill)}`;
  const legacyRange = rangeSql(target, `${target.ref}.${key}`, range, values);
  const stageRange = rangeSql(target, key, range, values);
  const refused = `q.text_hash = l.hash AND q.class = 'refused'`;
  return `
    SELECT l.key, l.text, l.hash, l.vector IS NOT NULL AS has_vector, s.key IS NOT NULL AS has_stage,
           s.text_hash IS NOT DISTINCT FROM l.hash AS is_staged, q.key IS NOT NULL AS was_quarantined, s.truncated, judged.state
      FROM (SELECT ${target.ref}.${key} AS key, pgvb_text AS text, pgvb_hash AS hash,
                   ${target.ref}.${quoteName(target.column)} AS vector
              FROM ${target.table}
              CROSS JOIN LATERAL (SELECT ${target.text} AS pgvb_text OFFSET 0) pgvb_texts
              CROSS JOIN LATERAL (SELECT ${hashSql(fingerprintParameter, 'pgvb_text')} AS pgvb_hash OFFSET 0) pgvb_hashes
             WHERE ${legacyRange} AND ${target.where}) l
      LEFT JOIN (SELECT ${key} AS key, text_hash, embedding AS vector, truncated FROM ${target.stage} WHERE ${stageRange}) s ON s.key = l.key
      LEFT JOIN pgvector_backfill.quarantine q ON q.backfill = ${backfillParameter} AND q.key = l.key::text
      CROSS JOIN LATERAL (SELECT
           CASE WHEN l.text !~ '[^[:space:]]' THEN CASE WHEN l.vector IS NULL THEN 'skipped' WHEN ${refused} THEN 'quarantined' ELSE 'stale' END
                WHEN s.text_hash = l.hash AND ${sameVectorSql(target, 's.vector', 'l.vector')} THEN 'embedded'
                WHEN q.text_hash = l.hash AND l.vector IS NULL
                  THEN CASE q.class WHEN 'too-long' THEN 'skipped' ELSE 'quarantined' END
                WHEN ${refused} THEN 'quarantined'
                WHEN l.vector IS NOT NULL THEN 'stale'
                ELSE 'missing' END AS state OFFSET 0) judged`;
}
