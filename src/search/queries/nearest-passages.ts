/**
 * Nearest rows where a row has several vectors, one for each passage of its text: k distinct rows, each by its best passage. One
 * statement, over a scan that ends with the passage that completes the answer.
 */

import { candidatesSql, isReranked } from '../../table/candidates.ts';
import { indexedDistance, storedDistance } from '../../table/distance.ts';
import { aliasedKey, keyAliases, keyTextSql, legacyKey, sameKeySql } from '../../table/key.ts';
import type { Metric } from '../../table/metric.ts';
import { passageColumns, storedVectors, vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import type { Target } from '../../table/backfill-target.ts';

export interface PassageSearch {
  target: Target;
  metric: Metric;
  /** The key of a row as the answer has it: what it is in SQL, over the legacy table, and the name of the column. */
  key: readonly { sql: string; name: string }[];
  /** Condition over the legacy table besides that of the eligible rows: ` AND (…)`, or nothing. */
  filter: string;
  /** As SQL: the query's vector, of type `vector`, and the number of rows. */
  vector: string;
  k: string;
}

/** Columns of an answer behind the key: the distance, number of the passage, and its place in the text. */
export const PLACE = ['distance', 'passage', 'passage_start', 'passage_end'] as const;

const select = (columns: readonly string[], from: string): string =>
  columns.map((column) => `${from}.${column}`).join(', ');

const namesOf = ({ key }: PassageSearch): string[] => [...key.map(({ name }) => name), ...PLACE];

const place = (target: Target, metric: Metric, vector: string): string[] => {
  const { number, start, end } = passageColumns;
  const distance = `(${storedDistance(target, metric, vector)})::pg_catalog.float8`;
  return [distance, number, start, end].map((sql, at) => `${sql} AS ${PLACE[at]}`);
};

/** Key and place of each passage; with `more` columns behind them. */
function passages(search: PassageSearch, more: readonly string[] = []): string {
  const { target, metric, key, filter, vector } = search;
  const columns = [
    ...key.map(({ sql, name }) => `${sql} AS ${name}`),
    ...place(target, metric, vector),
    ...more,
  ];
  return `SELECT ${columns.join(', ')} FROM ${vectorRows(target, 'each')} WHERE ${target.where}${filter} AND ${vectorColumn(target)} IS NOT NULL`;
}

/**
 * What tells rows apart in a list, with the type's own equality. Of several columns, and of an array, which would make a list of
 * two dimensions, the text: two rows of one statement have different ones.
 */
function identity(target: Target): { value: string; isIn: (list: string) => string } {
  const refs = legacyKey(target);
  const [only] = target.key;
  if (only !== undefined && target.key.length === 1 && !only.type.endsWith('[]')) {
    const { type, isDomain, collate, operators } = only;
    const value = isDomain ? `${refs[0]}::${type}` : `${refs[0]}`;
    const withCollation = (list: string): string => (collate === '' ? list : `(${list})${collate}`);
    return { value, isIn: (list) => `${value} ${operators.equal} ANY (${withCollation(list)})` };
  }
  const value = `(${keyTextSql(target, refs)})${BYTEWISE}`;
  return { value, isIn: (list) => `${value} OPERATOR(pg_catalog.=) ANY (${list})` };
}

const BYTEWISE = ' COLLATE pg_catalog."C"';

/**
 * The first passage of each row that the index comes to, and no others. A window over all that came before is computed passage by
 * passage, so that LIMIT ends the scan: neither grouping nor DISTINCT does, which read everything first. It gives them in its
 * order. ORDER BY beside LIMIT would say so again, but a query with it is planned for all passages, and not for so few.
 */
function firstPassages(search: PassageSearch, limit: string, more: readonly string[] = []): string {
  const { target, metric, vector } = search;
  const { value, isIn } = identity(target);
  const order = indexedDistance(target, metric, vector);
  const before = `pg_catalog.array_agg(${value}) OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;
  const all = passages(search, [...more, `(${isIn(before)}) IS NOT TRUE AS pgvb_is_first`]);
  const columns = [...namesOf(search), ...keysIn(search, more)];
  return `SELECT ${select(columns, 'pgvb_passages')} FROM (${all}) AS pgvb_passages WHERE pgvb_passages.pgvb_is_first LIMIT ${limit}`;
}

const keysIn = ({ target }: PassageSearch, more: readonly string[]): string[] =>
  more.length === 0 ? [] : keyAliases(target);

const sorted = (search: PassageSearch, from: string): string =>
  `SELECT ${select(namesOf(search), 'pgvb_rows')} FROM (${from}) AS pgvb_rows ORDER BY pgvb_rows.distance LIMIT ${search.k}`;

/**
 * By an index that gives them about in that order, or by the bits of their vectors: which rows is what the index says, and which of
 * a row's passages is the best is computed.
 */
function byRow(search: PassageSearch, rows: string): string {
  const { target, metric, key, vector } = search;
  const found = firstPassages(search, rows, [aliasedKey(target, legacyKey(target))]);
  const isSame = sameKeySql(target, keyAliases(target, 'pgvb_vectors.'), keyAliases(target, 'pgvb_found.'));
  const best = `SELECT ${place(target, metric, vector).join(', ')} FROM ${storedVectors(target, 'each')} WHERE ${isSame} ORDER BY 1, 2 LIMIT 1`;
  const names = key.map(({ name }) => name);
  return sorted(
    search,
    `SELECT ${select(names, 'pgvb_found')}, ${select(PLACE, 'pgvb_best')} FROM (${found}) AS pgvb_found CROSS JOIN LATERAL (${best}) AS pgvb_best`,
  );
}

/** Of all passages of `from`, the best one of each row. As numbers in an array, which has an order that min() goes by. */
function grouped(search: PassageSearch, from: string): string {
  const names = search.key.map(({ name }) => name);
  const best = `SELECT ${select(names, 'pgvb_each')}, pg_catalog.min(ARRAY[${select(PLACE, 'pgvb_each')}]::pg_catalog.float8[]) AS pgvb_best FROM (${from}) AS pgvb_each GROUP BY ${select(names, 'pgvb_each')}`;
  const columns = PLACE.map(
    (name, at) => `pgvb_rows.pgvb_best[${at + 1}]${at === 0 ? '' : '::pg_catalog.int4'} AS ${name}`,
  );
  return `SELECT ${select(names, 'pgvb_rows')}, ${columns.join(', ')} FROM (${best}) AS pgvb_rows ORDER BY pgvb_rows.pgvb_best LIMIT ${search.k}`;
}

/** Rows whose candidates among passages are too few for `k` of them are looked for by row then: so many for each that is wanted. */
const ROWS_PER_ROW = 4;

/** Statements for the nearest rows, the second one for where the first gives fewer than k. @param isOrdered the index gives passages by their distance */
export function nearestPassagesSql(search: PassageSearch, isOrdered: boolean): [string, ...string[]] {
  const { target, metric, vector, k } = search;
  // By an index that gives passages by their distance the first one of a row is its best.
  if (!isReranked(target)) return [isOrdered ? firstPassages(search, k) : byRow(search, k)];
  const candidates = `${passages(search)} ORDER BY ${indexedDistance(target, metric, vector)} LIMIT ${candidatesSql(target, k)}`;
  return [
    grouped(search, candidates),
    byRow(search, `${k}::pg_catalog.int8 OPERATOR(pg_catalog.*) ${ROWS_PER_ROW}`),
  ];
}

/** The nearest rows, by every passage of each: no vector index serves that. */
export const allPassagesSql = (search: PassageSearch): string => grouped(search, passages(search));
