/**
 * The one definition of what state a row is in. Reading, merging, planning, accounting and verifying all use it,
 * so that they cannot disagree about which rows are done.
 *
 * | state       | meaning                                                                                       |
 * |-------------|-----------------------------------------------------------------------------------------------|
 * | skipped     | no text, or one that is too long by the operator's choice; no vector                          |
 * | embedded    | has the vector that the staging table (the one beside: itself) has for its present text and model |
 * | quarantined | the present text cannot be read or embedded, or the table refuses to take its vector            |
 * | stale       | has a vector, but of another text, another model or unknown origin                            |
 * | missing     | has text and no vector                                                                        |
 */

import { createHash } from 'node:crypto';
import { quoteLiteral, quoteName } from '../../db/identifiers.ts';
import type { Target } from '../../table/backfill-target.ts';
import { aliasedKey, keyAliases, keyRefs, keyTextSql, legacyKey, sameKeySql } from '../../table/key.ts';
import { legacyRangeSql, stageRangeSql, storeRangeSql, type KeyRange } from '../../table/key-range.ts';
import { emptyTextSql } from '../../table/text-expressions.ts';
import { HALFVEC_OVERFLOW } from '../../table/vector-type.ts';

/**
 * sha256 of salt, fingerprint and text: another model or another text is another hash, and without the salt nobody can try out
 * which text a hash is of. `fingerprint` is a placeholder.
 */
export function textHashSql(target: Target, fingerprint: string): string {
  return hashSql(target, fingerprint, target.text);
}

const hashSql = (target: Target, fingerprint: string, text: string): string =>
  `sha256(convert_to(${saltSql(target, fingerprint)} || ${fingerprint}::text || chr(10) || ${text}, 'UTF8'))`;

/** Looked up once a statement. Fixed for as long as the fingerprint is known (`createRun`), so that no vector becomes stale by it. */
const saltSql = ({ backfill }: Target, fingerprint: string): string =>
  `coalesce((SELECT pgvb_salts.salt FROM pgvector_backfill.text_salt pgvb_salts WHERE pgvb_salts.backfill = ${quoteLiteral(backfill)} AND pgvb_salts.fingerprint = ${fingerprint}::text), '')`;

/**
 * The staged vector is of type `vector`, whatever the column is. Where one of its components is beyond a halfvec the
 * cast would raise, and the row cannot have that vector.
 */
export function sameVectorSql({ columnType, vectorPrefix }: Target, staged: string, stored: string): string {
  if (columnType === 'vector') return `${vectorPrefix}vector_eq(${staged}, ${stored})`;
  const isBeyond = `EXISTS (SELECT 1 FROM unnest(${staged}::real[]) AS pgvb_components (pgvb_component) WHERE abs(pgvb_component) >= ${HALFVEC_OVERFLOW})`;
  // The norm is no smaller than any component: the components of most vectors need not be looked at.
  return `CASE WHEN ${vectorPrefix}vector_norm(${staged}) >= ${HALFVEC_OVERFLOW} AND ${isBeyond} THEN false
               ELSE ${vectorPrefix}halfvec_eq(${staged}::${vectorPrefix}halfvec, ${stored}) END`;
}

/**
 * Aliases of staging and quarantine table beside the legacy table, which goes by its own name: that may be `s` or `staged`,
 * and would stand for itself then.
 */
export const STAGED = 'pgvb_staged';
export const QUARANTINED = 'pgvb_quarantine';

/** The work is the same for every row of these states: bring the vector in line with the text. */
export const NEEDS_WORK = `('missing', 'stale')`;

/** What tells one version of a row from every later one, as these expressions see it. */
export function rowVersionSql({ ref, text, where }: Target): string {
  const expressions = createHash('sha256').update(`${text}\n${where}`).digest('hex').slice(0, 8);
  return `(${ref}.xmin::text || ' ${expressions}')`;
}

export interface ReadableTable {
  /** The legacy table, under its own name, beside what quarantine has of its rows. */
  from: string;
  /** Whether the row is quarantined because its text, or whether it takes part, cannot be computed. */
  unreadable: string;
  /** Whether the row takes part; an unreadable one does. Never raises for a row in quarantine. */
  eligible: string;
}

/**
 * FROM clause over the legacy table for statements that evaluate the operator's expressions: whoever is in quarantine
 * because one of them raises is not asked again, before the row is written again. What quarantine adds goes by names of
 * our own, so that the operator's expressions see the table's columns only.
 * @param backfill placeholder of its name @param sample TABLESAMPLE clause
 */
export function readableTable(target: Target, backfill: string, sample = ''): ReadableTable {
  const unreadable = `coalesce(pgvb_class = 'unreadable' AND pgvb_version = ${rowVersionSql(target)}, false)`;
  return {
    from: `${target.table} ${sample}
              LEFT JOIN (SELECT key AS pgvb_key, class AS pgvb_class, text_hash AS pgvb_quarantined_hash, row_version AS pgvb_version
                           FROM pgvector_backfill.quarantine WHERE backfill = ${backfill}) pgvb_quarantined
                     ON pgvb_key = ${keyTextSql(target, legacyKey(target))}`,
    unreadable,
    // CASE, because only that has an order: of two conditions side by side the server asks the cheaper one first.
    eligible:
      target.where === '(true)' ? 'true' : `CASE WHEN ${unreadable} THEN true ELSE ${target.where} END`,
  };
}

interface StoredSql {
  /** For the lists of the legacy and of the staging table; empty, or with a comma behind. */
  selected: string;
  staged: string;
  /** Condition for one staged row of each key. */
  oneEach: string;
  join: string;
  /** Whether the row has a vector, whether it has none, and whether that is of its present text. */
  has: string;
  lacks: string;
  isOfText: string;
  /** Passages that have a vector. */
  passages: string;
}

/**
 * What is stored of rows `l`, beside what is staged as `s`. In a table beside, vector and hash are written by one statement, so
 * the hash tells by itself; and as a row's passages are, by the first of them.
 */
function storedSql(target: Target, range: KeyRange, values: unknown[]): StoredSql {
  const { store } = target;
  if (store.kind === 'column')
    return {
      selected: `${target.ref}.${quoteName(store.column)} AS vector, `,
      staged: 'embedding AS vector, ',
      oneEach: '',
      join: '',
      has: 'l.vector IS NOT NULL',
      lacks: 'l.vector IS NULL',
      isOfText: `s.text_hash = l.hash AND ${sameVectorSql(target, 's.vector', 'l.vector')}`,
      passages: '0',
    };
  const stored = `SELECT ${aliasedKey(target, keyRefs(target))}, text_hash FROM ${store.table} WHERE ${storeRangeSql(target, range, values)} AND chunk = 0`;
  return {
    selected: '',
    staged: '',
    oneEach: ' AND chunk = 0',
    join: `
      LEFT JOIN (${stored}) v ON ${sameKeySql(target, keyAliases(target, 'v.'), keyAliases(target, 'l.'))}`,
    has: 'v.text_hash IS NOT NULL',
    lacks: 'v.text_hash IS NULL',
    isOfText: 'v.text_hash = l.hash',
    passages: target.hasPassages
      ? `(SELECT count(*) FROM ${store.table} pgvb_passages WHERE ${sameKeySql(target, keyRefs(target, 'pgvb_passages.'), keyAliases(target, 'l.'))})`
      : '0',
  };
}

/**
 * A derived table of the eligible rows of a key range with the key's columns (`keyAliases`), `text`, `hash`, `is_empty`, `has_vector`,
 * `has_stage`, `is_staged`, `was_quarantined`, `truncated`, `adopted`, `passages`, `state`.
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
  const legacy = legacyKey(target);
  const staged = keyRefs(target);
  const fingerprintParameter = `$${values.push(fingerprint)}`;
  const { from, unreadable, eligible } = readableTable(target, `$${values.push(target.backfill)}`);
  const legacyRange = legacyRangeSql(target, range, values);
  const stageRange = stageRangeSql(target, range, values);
  const vectors = storedSql(target, range, values);
  const refused = `l.quarantined_hash = l.hash AND l.class = 'refused'`;
  return `
    SELECT ${keyAliases(target, 'l.').join(', ')}, l.text, l.hash, l.is_empty, ${vectors.has} AS has_vector, s.text_hash IS NOT NULL AS has_stage,
           s.text_hash IS NOT DISTINCT FROM l.hash AS is_staged, l.class IS NOT NULL AS was_quarantined, s.truncated, s.adopted, ${vectors.passages} AS passages, classified.state
      FROM (SELECT ${aliasedKey(target, legacy)}, pgvb_text AS text, pgvb_hash AS hash, pgvb_empty AS is_empty, ${unreadable} AS unreadable,
                   ${vectors.selected}pgvb_class AS class, pgvb_quarantined_hash AS quarantined_hash
              FROM ${from}
              CROSS JOIN LATERAL (SELECT pgvb_text, ${hashSql(target, fingerprintParameter, 'pgvb_text')} AS pgvb_hash, ${emptyTextSql('pgvb_text')} AS pgvb_empty
                                    FROM (SELECT CASE WHEN ${unreadable} THEN '' ELSE ${target.text} END AS pgvb_text OFFSET 0) pgvb_texts OFFSET 0) pgvb_hashes
             WHERE ${legacyRange} AND ${eligible}) l
      LEFT JOIN (SELECT ${aliasedKey(target, staged)}, text_hash, ${vectors.staged}truncated, adopted FROM ${target.stage} WHERE ${stageRange}${vectors.oneEach}) s ON ${sameKeySql(target, keyAliases(target, 's.'), keyAliases(target, 'l.'))}${vectors.join}
      CROSS JOIN LATERAL (SELECT
           CASE WHEN l.unreadable THEN 'quarantined'
                WHEN l.is_empty THEN CASE WHEN ${vectors.lacks} THEN 'skipped' WHEN ${refused} THEN 'quarantined' ELSE 'stale' END
                WHEN ${vectors.isOfText} THEN 'embedded'
                WHEN l.quarantined_hash = l.hash AND ${vectors.lacks}
                  THEN CASE l.class WHEN 'too-long' THEN 'skipped' ELSE 'quarantined' END
                WHEN ${refused} THEN 'quarantined'
                WHEN ${vectors.has} THEN 'stale'
                ELSE 'missing' END AS state OFFSET 0) classified`;
}
