/** What a backfill works on: the legacy table as the catalog describes it, and the SQL names made from it. */

import { optionName } from '../config/option-name.ts';
import type { Settings } from '../config/settings.ts';
import { parseQualified, quoteName, quoteQualified, type QualifiedName } from '../db/identifiers.ts';
import { operatorRegclassSql } from '../db/search-path.ts';
import type { Queryable } from '../db/pool.ts';
import { ConfigError } from '../errors.ts';
import {
  resolveNames,
  namesOfWords,
  type ExpressionNames,
  type NamedExpression,
  type RawExpressions,
} from './expression-names.ts';
import { indexName } from './index-name.ts';
import { indexPlan, type IndexPlan } from './index-plan.ts';
import { findKey, type KeyOrder, type RecordedKey } from './find-key.ts';
import type { Keyed } from './key.ts';
import { BESIDE_COLUMNS, columnStore, storeOf, tableStore, type Store } from './store.ts';
import { findVectorExtension } from './vector-extension.ts';
import type { VectorType } from './vector-type.ts';

export interface Target extends Keyed {
  backfill: string;
  /** Real schema and name, unquoted. */
  schema: string;
  name: string;
  /** pg_class.oid, as text; of a part of a partitioned table that of the whole. */
  oid: string;
  /** Quoted schema.table, for FROM, UPDATE and DDL. */
  table: string;
  isPartitioned: boolean;
  /** Quoted table name alone: how columns of the legacy table are qualified, so that the operator's SQL may do so too. */
  ref: string;
  /** Bare name of the unique index that serves the key; null where there is none. */
  keyIndex: string | null;
  /** SQL expression over the legacy table's columns: the text as it is embedded, never NULL. */
  text: string;
  /** SQL condition over the legacy table's columns, in parentheses. */
  where: string;
  /** The operator's expressions whose names were looked up; what is not among them is as the operator wrote it. */
  names: ExpressionNames;
  /** Where the vectors are, and their index. */
  store: Store;
  /** Unquoted names of the columns of a store in the legacy table; that of one beside has its name by the first. */
  column: string;
  updatedAtColumn: string;
  /** Quoted schema.table of the staging table, and its bare name. */
  stage: string;
  stageName: string;
  /** Quoted schema of pgvector with a dot, so that its types and functions are found whatever the search path; empty without it. */
  vectorPrefix: string;
  /** Unquoted schema that the operator wants pgvector in, where it is not there yet. */
  vectorSchema: string | null;
  /** Of the vector column. */
  columnType: VectorType;
  /** Of the vector column; null where it is not there yet. */
  dimensions: number | null;
  /** The index that is built or to be built. */
  indexed: IndexPlan;
  /** Whether the store has a vector of each passage of a text. */
  hasPassages: boolean;
  /** Of an index of bits: rows that a search compares by their vectors, at least. */
  candidates: number;
  /** Its bare name. */
  indexName: string;
  /** What that is made of behind the table's name. */
  indexStem: string;
  /** What stands behind the table's name in that of the search function: nothing, or the column of a second backfill. */
  searchStem: string;
}

/** Columns of the staging table beside the key; a legacy key of such a name would stand there twice. */
const STAGE_COLUMNS = ['embedding', 'text_hash', 'batch', 'staged_at', 'truncated', 'adopted'];

export interface TableFacts {
  schema: string;
  name: string;
  oid: string;
  kind: string;
}

/** @throws ConfigError where the table does not exist. */
export async function findTable(db: Queryable, settings: Settings): Promise<TableFacts> {
  const wanted = quoteQualified(parseQualified(settings.table, 'Option table'));
  const found = await db.query<TableFacts>(
    `SELECT n.nspname AS schema, c.relname AS name, c.oid::text AS oid, c.relkind::text AS kind
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = ${operatorRegclassSql('$1')}`,
    [wanted],
  );
  const table = found.rows[0];
  if (table === undefined) {
    throw new ConfigError(`Table ${settings.table} does not exist in this database, or not for this user.`, {
      code: 'TABLE_MISSING',
      remedy: `Set ${optionName('table')} to schema.table, and check the database of DATABASE_URL.`,
    });
  }
  return table;
}

export interface DescribeOptions {
  /** Names are looked up again in place of those that are kept, where a run is planned. */
  planning?: boolean;
}

/** What the ledger has of a backfill's table. */
export interface RecordedTable {
  /** Where the staging table is; before the first `enqueue`, where it will be. */
  stage: QualifiedName;
  /** The operator's expressions, as their names were looked up when the run was planned. */
  names: ExpressionNames;
  /** Where vectors beside the table are, or will be. */
  beside: QualifiedName;
  /** Columns and order of the key; null before the first `enqueue`. */
  key: RecordedKey | null;
  /** What the finalizer chose for `index.method: auto`; null before it did. */
  indexPlan: IndexPlan | null;
  /** As in Target. */
  indexStem: string;
  searchStem: string;
}

/** @throws ConfigError where there is no key, or its column does not exist or has a type that is not supported. */
export async function targetOf(
  db: Queryable,
  backfill: string,
  settings: Settings,
  facts: TableFacts,
  {
    stage,
    beside,
    names: recorded,
    key: recordedKey,
    indexPlan: chosen,
    indexStem,
    searchStem,
  }: RecordedTable,
  { planning = false }: DescribeOptions = {},
): Promise<Target> {
  const { schema, name, oid } = facts;
  const key = await findKey(db, facts, configuredKey(settings), recordedKey);
  assertKeyNames(facts, settings, key.columns);
  const table = quoteQualified({ schema, name });
  const raw = rawExpressions(settings);
  const kept = planning ? {} : namesOfWords(recorded, raw);
  const names = { ...kept, ...(await resolveNames(db, { table, oid }, without(raw, kept), planning)) };
  const isPartitioned = facts.kind === 'p';
  const store = storeOf(settings, { schema, name, isPartitioned }, beside);
  return {
    backfill,
    schema,
    name,
    oid,
    table,
    isPartitioned,
    ref: quoteName(name),
    key: key.columns,
    keyIndex: key.index,
    text: textExpression(settings.text, quoteName(name), names.text),
    where: settings.where === undefined ? '(true)' : `(${names.where?.sql ?? settings.where})`,
    names,
    store,
    column: settings.column,
    updatedAtColumn: settings.updatedAtColumn,
    stage: quoteQualified(stage),
    stageName: stage.name,
    vectorPrefix: (await findVectorExtension(db)).prefix,
    vectorSchema: settings.vectorSchema ?? null,
    columnType: settings.columnType,
    hasPassages: settings.model.longText === 'chunks',
    candidates: settings.index.candidates,
    ...(await describeVectors(db, settings, name, { store, chosen, indexStem })),
    indexStem,
    searchStem,
  };
}

/** @throws ConfigError where a column of the key has the name of one that is written */
function assertKeyNames(
  { schema, name }: TableFacts,
  { store, column, updatedAtColumn }: Settings,
  key: Keyed['key'],
): void {
  const isBeside = store === 'table';
  const own = isBeside ? [...new Set([...STAGE_COLUMNS, ...BESIDE_COLUMNS])] : STAGE_COLUMNS;
  for (const each of key.map((part) => part.name)) {
    if (own.includes(each))
      throw new ConfigError(
        `Key column ${each} of ${schema}.${name} has the name of a column that the ${isBeside ? 'tables of staged and of stored vectors have' : 'staging table has'} of ${isBeside ? 'their' : 'its'} own.`,
        {
          code: 'KEY_NAME',
          remedy: `Name the columns of another unique index with ${optionName('key')}, or rename this one; not to ${own.join(', ')}.`,
        },
      );
    if (isBeside) continue;
    const option = each === column ? 'column' : each === updatedAtColumn ? 'updatedAtColumn' : null;
    if (option !== null)
      throw new ConfigError(
        `Option ${option} is ${JSON.stringify(each)}, which is a part of the key of ${schema}.${name}.`,
        { code: 'KEY_NAME', remedy: `Set ${optionName(option)} to a column of its own.` },
      );
  }
}

/** Names of the columns; null where the table's own key is meant. */
export const configuredKey = ({ key }: Pick<Settings, 'key'>): readonly string[] | null =>
  key === undefined ? null : typeof key === 'string' ? [key] : key;

/** For the ledger. */
export const keyOrder = ({ key }: Keyed): KeyOrder[] =>
  key.map(({ name, collate, isDescending }) => ({
    name,
    collation: collate === '' ? null : collate.replace(' COLLATE ', ''),
    isDescending,
  }));

function rawExpressions({ text, where, search: { tsvector } }: Settings): RawExpressions {
  return {
    ...(Array.isArray(text) ? {} : { text: text.sql }),
    ...(where === undefined ? {} : { where }),
    ...(tsvector === undefined ? {} : { 'search.tsvector': tsvector }),
  };
}

const without = (raw: RawExpressions, names: ExpressionNames): RawExpressions =>
  Object.fromEntries(Object.entries(raw).filter(([option]) => !Object.hasOwn(names, option)));

async function describeVectors(
  db: Queryable,
  settings: Settings,
  name: string,
  { store, chosen, indexStem }: { store: Store; chosen: IndexPlan | null; indexStem: string },
): Promise<Pick<Target, 'dimensions' | 'indexed' | 'indexName'>> {
  // pgvector keeps the number of dimensions as the type's modifier.
  const column = await db.query<{ dimensions: number }>(
    `SELECT a.atttypmod AS dimensions FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND t.typname IN ('vector', 'halfvec') AND a.atttypmod > 0 AND NOT a.attisdropped`,
    [store.table, store.column],
  );
  const dimensions = column.rows[0]?.dimensions ?? null;
  const indexed = indexPlan(settings, dimensions, chosen);
  return { dimensions, indexed, indexName: indexed.name ?? indexName(name, indexStem, indexed.method) };
}

/** The part of a partitioned table that is a table of its own, with an index of its own name. */
export const leafTarget = (target: Target, { schema, name }: { schema: string; name: string }): Target => ({
  ...target,
  schema,
  name,
  table: quoteQualified({ schema, name }),
  isPartitioned: false,
  store:
    target.store.kind === 'table'
      ? target.store
      : columnStore({ schema, name, isPartitioned: false }, target.store.column),
  ref: quoteName(name),
  indexName: indexName(name, target.indexStem, target.indexed.method),
});

/** The target with the names of its own objects as the ledger has them. */
export const withNames = (
  target: Target,
  { stage, beside, indexStem, searchStem }: Omit<RecordedTable, 'names' | 'key' | 'indexPlan'>,
): Target => ({
  ...target,
  store:
    target.store.kind === 'table' ? tableStore(beside.schema ?? target.schema, beside.name) : target.store,
  stage: quoteQualified(stage),
  stageName: stage.name,
  indexName: indexName(target.name, indexStem, target.indexed.method),
  indexStem,
  searchStem,
});

/** The target with that index in place of the one it was described with. */
export const withIndex = (target: Target, indexed: IndexPlan): Target => ({
  ...target,
  indexed,
  indexName: indexed.name ?? indexName(target.name, target.indexStem, indexed.method),
});

/**
 * NULL columns drop out; a row whose columns are all NULL has the empty text and is skipped. Under the collation of the
 * database: columns of different collations have none in common, and a nondeterministic one takes no regular expression.
 */
function textExpression(text: Settings['text'], ref: string, named?: NamedExpression): string {
  const expression = Array.isArray(text)
    ? `pg_catalog.concat_ws(pg_catalog.chr(10), ${text.map((column) => `${ref}.${quoteName(column)}`).join(', ')})`
    : `coalesce((${named?.sql ?? text.sql})::pg_catalog.text, '')`;
  return `(${expression} COLLATE pg_catalog."default")`;
}
