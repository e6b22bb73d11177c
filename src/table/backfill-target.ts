/** What a backfill works on: the legacy table as the catalog describes it, and the SQL names made from it. */

import { optionName } from '../config/option-name.ts';
import type { Settings } from '../config/settings.ts';
import type { KeyWidth } from '../db/copy-binary.ts';
import {
  derivedName,
  parseQualified,
  quoteName,
  quoteQualified,
  type QualifiedName,
} from '../db/identifiers.ts';
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
import { indexPlan, type IndexPlan } from './index-plan.ts';
import { KEY_TYPES, KEY_TYPE_NAMES, type KeyType } from './key.ts';
import { findVectorExtension } from './vector-extension.ts';
import type { VectorType } from './vector-type.ts';

export interface Target {
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
  key: string;
  keyType: KeyType;
  /** The column is of a domain over that type, which a result of the type itself has to be cast from. */
  keyIsDomain: boolean;
  keyWidth: KeyWidth;
  /** SQL expression over the legacy table's columns: the text as it is embedded, never NULL. */
  text: string;
  /** SQL condition over the legacy table's columns, in parentheses. */
  where: string;
  /** The operator's expressions whose names were looked up; what is not among them is as the operator wrote it. */
  names: ExpressionNames;
  /** Unquoted names of the added columns. */
  column: string;
  updatedAtColumn: string;
  /** Quoted schema.table of the staging table, and its bare name. */
  stage: string;
  stageName: string;
  /** Quoted schema of pgvector with a dot, so that its types and functions are found whatever the search path; empty without it. */
  vectorPrefix: string;
  /** Of the vector column. */
  columnType: VectorType;
  /** Of the vector column; null where it is not there yet. */
  dimensions: number | null;
  /** The index that is built or to be built. */
  indexed: IndexPlan;
  /** Its bare name. */
  indexName: string;
}

/** Columns of the staging table; a legacy key of such a name would stand there twice. */
const STAGE_COLUMNS = ['embedding', 'text_hash', 'batch', 'staged_at', 'truncated'];

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
  /** What the finalizer chose for `index.method: auto`; null before it did. */
  indexPlan: IndexPlan | null;
}

/** @throws ConfigError where the key column does not exist or has a type that is not supported. */
export async function targetOf(
  db: Queryable,
  backfill: string,
  settings: Settings,
  facts: TableFacts,
  { stage, names: recorded, indexPlan: chosen }: RecordedTable,
  { planning = false }: DescribeOptions = {},
): Promise<Target> {
  const { schema, name, oid } = facts;
  const column = await db.query<{ type: string; domain: boolean }>(
    // A domain is what it is over, which may be a domain again.
    `WITH RECURSIVE base AS (
       SELECT a.atttypid AS type, 0 AS depth FROM pg_attribute a
        WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped
       UNION ALL SELECT t.typbasetype, b.depth + 1 FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
     SELECT t.typname::text AS type, b.depth > 0 AS domain FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype <> 'd'`,
    [oid, settings.key],
  );
  const { type, domain = false } = column.rows[0] ?? {};
  const keyRemedy = `Set ${optionName('key')} to a unique column of type ${KEY_TYPE_NAMES}.`;
  if (type === undefined) {
    throw new ConfigError(`Key column ${settings.key} does not exist in ${schema}.${name}.`, {
      code: 'KEY_MISSING',
      remedy: keyRemedy,
    });
  }
  const keyType = Object.hasOwn(KEY_TYPES, type) ? KEY_TYPES[type as keyof typeof KEY_TYPES] : undefined;
  if (STAGE_COLUMNS.includes(settings.key))
    throw new ConfigError(
      `Key column ${settings.key} of ${schema}.${name} has the name of a column that the staging table has of its own.`,
      {
        code: 'KEY_NAME',
        remedy: `Name another unique column with ${optionName('key')}, or rename this one; not to ${STAGE_COLUMNS.join(', ')}.`,
      },
    );
  if (keyType === undefined) {
    throw new ConfigError(`Key column ${settings.key} of type ${type} is not supported.`, {
      code: 'KEY_TYPE',
      remedy: keyRemedy,
    });
  }
  const table = quoteQualified({ schema, name });
  const raw = rawExpressions(settings);
  const kept = planning ? {} : namesOfWords(recorded, raw);
  const names = { ...kept, ...(await resolveNames(db, { table, oid }, without(raw, kept), planning)) };
  return {
    backfill,
    schema,
    name,
    oid,
    table,
    isPartitioned: facts.kind === 'p',
    ref: quoteName(name),
    key: settings.key,
    keyType: keyType.name,
    keyIsDomain: domain,
    keyWidth: keyType.width,
    text: textExpression(settings.text, quoteName(name), names.text),
    where: settings.where === undefined ? '(true)' : `(${names.where?.sql ?? settings.where})`,
    names,
    column: settings.column,
    updatedAtColumn: settings.updatedAtColumn,
    stage: quoteQualified(stage),
    stageName: stage.name,
    vectorPrefix: (await findVectorExtension(db)).prefix,
    columnType: settings.columnType,
    ...(await describeVectors(db, settings, facts, chosen)),
  };
}

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
  { name, oid }: TableFacts,
  chosen: IndexPlan | null,
): Promise<Pick<Target, 'dimensions' | 'indexed' | 'indexName'>> {
  // pgvector keeps the number of dimensions as the type's modifier.
  const column = await db.query<{ dimensions: number }>(
    `SELECT a.atttypmod AS dimensions FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = $1 AND a.attname = $2 AND t.typname IN ('vector', 'halfvec') AND a.atttypmod > 0 AND NOT a.attisdropped`,
    [oid, settings.column],
  );
  const dimensions = column.rows[0]?.dimensions ?? null;
  const indexed = indexPlan(settings, dimensions, chosen);
  return { dimensions, indexed, indexName: indexNameOf(name, indexed) };
}

/** The part of a partitioned table that is a table of its own, with an index of its own name. */
export const leafTarget = (target: Target, { schema, name }: { schema: string; name: string }): Target => ({
  ...target,
  schema,
  name,
  table: quoteQualified({ schema, name }),
  isPartitioned: false,
  ref: quoteName(name),
  indexName: indexNameOf(name, target.indexed),
});

const indexNameOf = (table: string, { method }: IndexPlan): string =>
  derivedName(table, `_embedding_${method}_idx`);

/** The target with that index in place of the one it was described with. */
export const withIndex = (target: Target, indexed: IndexPlan): Target => ({
  ...target,
  indexed,
  indexName: indexNameOf(target.name, indexed),
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
