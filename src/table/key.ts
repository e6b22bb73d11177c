/**
 * The key of a table as SQL: one column or several, of any type with a b-tree order. Which key comes first and which two are
 * one is the server's to say, under the collation of the index: nothing here compares keys. Outside of the server a key is
 * text: of one column its text, of several a JSON array of their texts.
 */

import { quoteName } from '../db/identifiers.ts';

/** By strategy of the b-tree, as they stand between two operands. */
export interface KeyOperators {
  less: string;
  lessOrEqual: string;
  equal: string;
  greaterOrEqual: string;
  greater: string;
}

export interface KeyColumn {
  /** Unquoted. */
  name: string;
  /** As SQL names it, without modifier: of a domain the type that it is over. */
  type: string;
  /** A result of the type has to be cast from the domain. */
  isDomain: boolean;
  operators: KeyOperators;
  /** ` COLLATE …` of the index; empty where the type has none. */
  collate: string;
  /** Against the order of the first column. */
  isDescending: boolean;
  /** ` NULLS …` of the index where its place of nulls is not the usual one: it serves no other ORDER BY, though no key is null. */
  nulls: string;
  /** Quoted name of the function that gives the type's binary form. */
  send: string;
  /** Bytes of a value; null where they vary. */
  width: number | null;
  /** Two texts of one value are the same text. */
  isCanonical: boolean;
  /** How the text is made; absent where it is a cast. */
  form?: 'utc' | undefined;
}

/** Whatever has a key. */
export interface Keyed {
  key: readonly KeyColumn[];
}

/** Unquoted. */
export const keyNames = ({ key }: Keyed): string[] => key.map(({ name }) => name);

/** @param qualifier with its dot */
export const keyRefs = ({ key }: Keyed, qualifier = ''): string[] =>
  key.map(({ name }) => `${qualifier}${quoteName(name)}`);

/** Columns of the legacy table, under its own name. */
export const legacyKey = (target: Keyed & { ref: string }): string[] => keyRefs(target, `${target.ref}.`);

/** The names that key columns go by in statements of ours: no column of the operator's is called so. */
export const keyAliases = ({ key }: Keyed, qualifier = ''): string[] =>
  key.map((_, at) => `${qualifier}pgvb_key${at + 1}`);

/** For a SELECT list: `refs` under the names of `keyAliases`. */
export const aliasedKey = (target: Keyed, refs: readonly string[]): string =>
  keyAliases(target)
    .map((alias, at) => `${refs[at]} AS ${alias}`)
    .join(', ');

/** ORDER BY of the index, forwards; backwards with `reversed`. */
export const keyOrderSql = ({ key }: Keyed, refs: readonly string[], reversed = false): string =>
  key
    .map(({ isDescending, nulls, collate }, at) => {
      const descends = isDescending !== reversed;
      const place = nulls === '' ? '' : reversed ? opposite(nulls) : nulls;
      return `${refs[at]}${collate}${descends ? ' DESC' : ''}${place}`;
    })
    .join(', ');

const opposite = (nulls: string): string => (nulls === ' NULLS FIRST' ? ' NULLS LAST' : ' NULLS FIRST');

/**
 * The key's text. Under our settings of DateStyle, IntervalStyle, bytea_output and extra_float_digits (`session-settings`) it
 * is the same in every session; a time with its zone is told in UTC, as the time zone is the operator's.
 */
export const keyTextSql = (
  { key }: { key: readonly Pick<KeyColumn, 'form'>[] },
  refs: readonly string[],
): string => {
  const texts = key.map((column, at) => columnTextSql(column, refs[at] ?? ''));
  return texts.length === 1 ? (texts[0] ?? '') : `json_build_array(${texts.join(', ')})::text`;
};

const columnTextSql = ({ form }: Pick<KeyColumn, 'form'>, ref: string): string =>
  // The zone stands before the era; an infinite time has neither.
  form === 'utc'
    ? `regexp_replace((${ref} AT TIME ZONE 'UTC')::text, '^([^ ]+ [^ ]+)', E'\\\\1+00')`
    : `${ref}::text`;

/** Whether settings of the session decide how the text is written. */
export const isStyled = ({ type }: KeyColumn): boolean => !UNSTYLED.has(type);
const UNSTYLED = new Set([
  'bigint',
  'integer',
  'smallint',
  'uuid',
  'text',
  'character varying',
  'bpchar',
  'numeric',
]);

/**
 * The columns as binary COPY has them, each behind its length: what the type's own send function gives goes back unchanged.
 * One bytea.
 */
export const keyFieldsSql = ({ key }: Keyed, refs: readonly string[]): string =>
  key
    .map(({ send, width }, at) => {
      const bytes = `${send}(${refs[at]})`;
      return width === null
        ? `int4send(octet_length(${bytes})) || ${bytes}`
        : `int4send(${width}) || ${bytes}`;
    })
    .join(' || ');

/** Whether two keys are one. */
export const sameKeySql = ({ key }: Keyed, left: readonly string[], right: readonly string[]): string =>
  key
    .map(({ operators, collate }, at) => `${left[at]} ${operators.equal} ${right[at]}${collate}`)
    .join(' AND ');

/** Whether `left` comes before `right` in the order of the index, column by column. Served by no index: see `rangeSql`. */
export const keyBeforeSql = (
  target: Keyed,
  left: readonly string[],
  right: readonly string[],
  orEqual = false,
): string => {
  const from = (at: number): string => {
    const column = target.key[at];
    if (column === undefined) return orEqual ? 'true' : 'false';
    const { operators, isDescending, collate } = column;
    const isLast = at === target.key.length - 1;
    const strict = isDescending ? operators.greater : operators.less;
    const loose = isDescending ? operators.greaterOrEqual : operators.lessOrEqual;
    if (isLast) return `${left[at]} ${orEqual ? loose : strict} ${right[at]}${collate}`;
    return `(${left[at]} ${strict} ${right[at]}${collate} OR (${left[at]} ${operators.equal} ${right[at]}${collate} AND ${from(at + 1)}))`;
  };
  return from(0);
};

/** Key columns out of a key's text. @param text SQL of it */
export const parsedKeySql = ({ key }: Keyed, text: string): string[] =>
  key.length === 1
    ? key.map(({ type }) => `(${text})::${type}`)
    : key.map(({ type }, at) => `((${text})::json ->> ${at})::${type}`);

/** Texts of the columns. @throws SyntaxError where it is no key of so many columns */
export function keyParts({ key }: Keyed, text: string): string[] {
  if (key.length === 1) return [text];
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts) || parts.length !== key.length || parts.some((part) => typeof part !== 'string'))
    throw new SyntaxError(`${text} is no key of ${key.length} columns`);
  return parts as string[];
}

/** As json_build_array writes it. */
export const keyOfParts = (parts: readonly string[]): string =>
  parts.length === 1 ? (parts[0] ?? '') : `[${parts.map((part) => JSON.stringify(part)).join(', ')}]`;

/** The keys as a table with the columns of `keyAliases`; their texts go to `values`, a list a column. @param beside another list, as SQL, and its name */
export function keyListSql(
  target: Keyed,
  keys: readonly string[],
  values: unknown[],
  alias = 'pgvb_list',
  ...beside: [array: string, name: string] | []
): string {
  const [array, name] = beside;
  const lists = [...keyLists(target, keys, values), ...(array === undefined ? [] : [array])];
  const names = [...keyAliases(target), ...(name === undefined ? [] : [name])];
  return `unnest(${lists.join(', ')}) AS ${alias} (${names.join(', ')})`;
}

/** A typed array a column. */
function keyLists(target: Keyed, keys: readonly string[], values: unknown[]): string[] {
  const parts = keys.map((key) => keyParts(target, key));
  return target.key.map(
    ({ type }, at) => `$${values.push(parts.map((part) => part[at]))}::text[]::${type}[]`,
  );
}

/** Whether the key is one of these. */
export function keyInSql(
  target: Keyed,
  refs: readonly string[],
  keys: readonly string[],
  values: unknown[],
): string {
  const [only] = target.key;
  if (only !== undefined && target.key.length === 1) {
    const { operators, type, collate } = only;
    const list = `$${values.push(keys)}::text[]::${type}[]`;
    return `${refs[0]} ${operators.equal} ANY (${collate === '' ? list : `(${list})${collate}`})`;
  }
  const list = keyListSql(target, keys, values);
  return `EXISTS (SELECT FROM ${list} WHERE ${sameKeySql(target, refs, keyAliases(target, 'pgvb_list.'))})`;
}

/** For messages: `(tenant_id uuid, id bigint)`, or `id bigint`. */
export const describeKey = ({ key }: Keyed): string => {
  const columns = key.map(({ name, type }) => `${name} ${type}`).join(', ');
  return key.length === 1 ? columns : `(${columns})`;
};
