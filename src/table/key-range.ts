/**
 * A range of keys, or some keys of it, as a condition that the index serves exactly.
 *
 * Of several columns a row comparison would say the same, `(a, b) >= ($1, $2)`, but not to every index and planner: columns of
 * opposite order have none, an operator in a schema of its own cannot be named column by column, before PostgreSQL 18 a scan
 * goes on beyond `(a, b) < ($1, $2)` to the last row of that `a`, and the planner thinks of the first column alone. So the
 * range is cut into segments, each of them equal in the first columns and between two bounds in the next one.
 */

import type { Target } from './backfill-target.ts';
import {
  aliasedKey,
  keyAliases,
  keyBeforeSql,
  keyInSql,
  keyOrderSql,
  keyParts,
  keyRefs,
  legacyKey,
  type Keyed,
} from './key.ts';

export interface KeyRange {
  /** Inclusive; null = open. */
  lower: string | null;
  /** Exclusive; null = open. */
  upper: string | null;
  /** `lower` itself is left out. */
  isAfter?: boolean;
  /** `upper` itself belongs to it. */
  isThrough?: boolean;
  /** Of the range only these; all where absent. */
  keys?: readonly string[] | undefined;
}

/** What is behind `after` of the range; all of it where that is null. */
export const rangeAfter = (range: KeyRange, after: string | null): KeyRange =>
  after === null ? range : { ...range, lower: after, isAfter: true };

/** All that is behind `after`, without an end. */
export const allAfter = (after: string | null): KeyRange => rangeAfter({ lower: null, upper: null }, after);

export const keysOnly = (keys: readonly string[]): KeyRange => ({ lower: null, upper: null, keys });

/**
 * Condition on the key columns `refs`; bounds and keys go to `values`, open ends are left out so that the index range is exact.
 * @param of the table that is read, quoted. A segment with one bound gets the table's own end as the other one: it is true of
 * every row, but of a condition with one bound the planner may expect a large part of the table, and read all of it.
 */
export function rangeSql(
  target: Keyed,
  refs: readonly string[],
  range: KeyRange,
  values: unknown[],
  of?: string,
): string {
  const segments = segmentsSql(target, refs, range, values, of);
  const parts = [
    ...(segments === null
      ? []
      : [segments.length === 1 ? (segments[0] ?? '') : `(${segments.join(' OR ')})`]),
    ...(range.keys === undefined ? [] : [keyInSql(target, refs, range.keys, values)]),
  ];
  return parts.length === 0 ? 'true' : parts.join(' AND ');
}

/** The range on the legacy table, which goes by its own name. */
export const legacyRangeSql = (target: Target, range: KeyRange, values: unknown[]): string =>
  rangeSql(target, legacyKey(target), range, values, target.table);

/** The range on the staging table. @param qualifier with its dot */
export const stageRangeSql = (target: Target, range: KeyRange, values: unknown[], qualifier = ''): string =>
  rangeSql(target, keyRefs(target, qualifier), range, values, target.stage);

/** The range on the table of vectors beside. @param qualifier with its dot */
export const storeRangeSql = (target: Target, range: KeyRange, values: unknown[], qualifier = ''): string =>
  rangeSql(target, keyRefs(target, qualifier), range, values, target.store.table);

interface Bound {
  parts: string[];
  /** SQL of a part: a parameter from its first use on, as one that is not used has no type. */
  sql: (at: number) => string;
  isInclusive: boolean;
}

/** Conditions that exclude each other, in the order of the keys; null where the range is open at both ends. */
function segmentsSql(
  target: Keyed,
  refs: readonly string[],
  { lower, upper, isAfter = false, isThrough = false }: KeyRange,
  values: unknown[],
  of?: string,
): string[] | null {
  const bound = (text: string | null, isInclusive: boolean): Bound | null => {
    if (text === null) return null;
    const parts = keyParts(target, text);
    const known: string[] = [];
    const sql = (at: number): string =>
      (known[at] ??= `$${values.push(parts[at])}::${target.key[at]?.type ?? ''}`);
    return { parts, sql, isInclusive };
  };
  const low = bound(lower, !isAfter);
  const high = bound(upper, isThrough);
  if (low === null && high === null) return null;
  const last = target.key.length - 1;
  const shared = Math.min(last, low === null || high === null ? 0 : commonColumns(low, high));
  const equal = ({ sql }: Bound, end: number, columns = refs): string[] =>
    target.key
      .slice(0, end)
      .map(({ operators, collate }, at) => `${columns[at]} ${operators.equal} ${sql(at)}${collate}`);
  const operatorOf = (at: number, isLow: boolean, orEqual: boolean): string => {
    const { operators, isDescending } = target.key[at] as Keyed['key'][number];
    return isLow !== isDescending
      ? operators[orEqual ? 'greaterOrEqual' : 'greater']
      : operators[orEqual ? 'lessOrEqual' : 'less'];
  };
  const beyond = ({ sql, isInclusive }: Bound, at: number, isLow: boolean): string =>
    `${refs[at]} ${operatorOf(at, isLow, isInclusive && at === last)} ${sql(at)}${target.key[at]?.collate ?? ''}`;
  // One value may be written in two ways: then the columns before were equal after all, and the other bound holds there too.
  const isSure =
    low === null || high === null || (target.key[shared]?.isCanonical ?? true) || shared === last;
  const other = (bounded: Bound | null, isLow: boolean): string[] => {
    if (isSure || bounded === null) return [];
    const key = refs.map((_, at) => bounded.sql(at));
    const [before, behind] = isLow ? [key, refs] : [refs, key];
    return [keyBeforeSql(target, before, behind, bounded.isInclusive)];
  };
  // The last value (of the first ones, with `isLow`) behind the same first columns, read from the index.
  const edge = (bounded: Bound, at: number, isLow: boolean): string[] => {
    if (of === undefined) return [];
    const columns = keyRefs(target, 'pgvb_edge.');
    const only = { key: target.key.slice(at, at + 1) };
    const first = equal(bounded, at, columns).join(' AND ');
    const value = `(SELECT ${columns[at]} FROM ${of} pgvb_edge${first === '' ? '' : ` WHERE ${first}`} ORDER BY ${keyOrderSql(only, columns.slice(at), !isLow)} LIMIT 1)`;
    return [`${refs[at]} ${operatorOf(at, isLow, true)} ${value}${target.key[at]?.collate ?? ''}`];
  };
  const segments: string[][] = [];
  if (low !== null)
    for (let at = last; at > shared; at--)
      segments.push([
        ...equal(low, at),
        beyond(low, at, true),
        ...edge(low, at, false),
        ...other(high, false),
      ]);
  segments.push([
    ...equal((low ?? high) as Bound, shared),
    ...(low === null ? edge(high as Bound, shared, true) : [beyond(low, shared, true)]),
    ...(high === null ? edge(low as Bound, shared, false) : [beyond(high, shared, false)]),
  ]);
  if (high !== null)
    for (let at = shared + 1; at <= last; at++)
      segments.push([
        ...equal(high, at),
        ...edge(high, at, true),
        beyond(high, at, false),
        ...other(low, true),
      ]);
  return segments.map((conditions) =>
    (segments.length === 1 ? conditions : [`(${conditions.join(' AND ')})`]).join(' AND '),
  );
}

/** First columns in which both say the same. */
function commonColumns(low: Bound, high: Bound): number {
  const differing = low.parts.findIndex((part, at) => part !== high.parts[at]);
  return differing === -1 ? low.parts.length : differing;
}

export interface OrderedKeys {
  /** FROM clause with the legacy table under its own name. */
  from: string;
  condition?: string;
  /** Beside the key, each behind a comma. */
  columns?: string;
}

/**
 * SELECT of a range's keys in their order, as the columns of `keyAliases`: whoever puts a LIMIT behind it reads so many entries
 * of the index. The segments are read one behind the other, none of them beyond what is asked for.
 */
export function orderedKeysSql(
  target: Keyed & Pick<Target, 'ref' | 'table'>,
  range: KeyRange,
  values: unknown[],
  { from, condition = 'true', columns: beside = '' }: OrderedKeys = { from: target.table },
): string {
  const refs = legacyKey(target);
  const listed = range.keys === undefined ? '' : ` AND ${keyInSql(target, refs, range.keys, values)}`;
  const segments = segmentsSql(target, refs, range, values) ?? ['true'];
  const columns = `${aliasedKey(target, refs)}${beside}`;
  const selects = segments.map(
    (segment) => `SELECT ${columns} FROM ${from} WHERE ${condition} AND ${segment}${listed}`,
  );
  if (selects.length === 1) return `${selects[0]} ORDER BY ${keyOrderSql(target, refs)}`;
  return `SELECT * FROM (${selects.join(' UNION ALL ')}) pgvb_segments ORDER BY ${keyOrderSql(target, keyAliases(target))}`;
}
