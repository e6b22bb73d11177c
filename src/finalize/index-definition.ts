/** The index that is wanted, as SQL and as the catalog should show it. */

import type { Settings } from '../config/settings.ts';
import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { indexedSql, indexedTypeSql } from '../table/distance.ts';
import type { IndexMethod } from '../table/index-plan.ts';
import { operatorClass } from '../table/vector-type.ts';
import type { Target } from '../table/backfill-target.ts';
import { ivfflatLists } from './forecast/index-size.ts';

export interface IndexDefinition {
  name: string;
  method: IndexMethod;
  column: string;
  /** What is indexed of the column, as SQL and as the catalog has its type (`halfvec(384)`); null where that is the column itself. */
  expression: { sql: string; type: string } | null;
  operatorClass: string;
  /** Storage parameters as in pg_class.reloptions, sorted. */
  parameters: string[];
}

export function wantedIndex(target: Target, settings: Settings, rows: number): IndexDefinition {
  const { method, type } = target.indexed;
  const parameters =
    method === 'hnsw'
      ? [`ef_construction=${settings.index.efConstruction}`, `m=${settings.index.m}`]
      : [`lists=${settings.index.lists ?? ivfflatLists(rows)}`];
  const sql = indexedSql(target, quoteName(target.column));
  const expressionType = indexedTypeSql(target);
  return {
    name: target.indexName,
    method,
    column: target.store.column,
    expression: sql === null || expressionType === null ? null : { sql, type: expressionType },
    operatorClass: operatorClass(settings.metric, type),
    parameters,
  };
}

export const createIndexSql = (target: Target, index: IndexDefinition): string =>
  `CREATE INDEX CONCURRENTLY ${quoteName(index.name)} ON ${target.store.table} ${indexKindSql(target, index)}`;

/** An index without entries, which becomes valid once each partition's own is attached. A partition that is made later gets one by itself. */
export const createParentIndexSql = (target: Target, index: IndexDefinition): string =>
  `CREATE INDEX ${quoteName(index.name)} ON ONLY ${target.store.table} ${indexKindSql(target, index)}`;

export function indexKindSql(target: Target, index: IndexDefinition): string {
  const column = quoteName(index.column);
  const indexed = index.expression === null ? column : `(${index.expression.sql})`;
  return `USING ${index.method} (${indexed} ${target.vectorPrefix}${index.operatorClass}) WITH (${index.parameters.join(', ')})`;
}

export function dropIndexSql(target: Target, index: IndexDefinition): string {
  return `DROP INDEX CONCURRENTLY IF EXISTS ${quoteName(target.store.schema)}.${quoteName(index.name)}`;
}

export type FoundIndex =
  | { kind: 'none' }
  /** Left behind by a build that did not end; it costs every write and serves no read. Or of a partitioned table, and not yet whole. */
  | { kind: 'invalid' }
  | { kind: 'valid' }
  /** A valid index of this name that is something else: never ours to drop. */
  | { kind: 'other'; definition: string };

interface CatalogRow {
  ours: boolean;
  method: string;
  column: string | null;
  /** Type of the expression over the column, such as `halfvec(384)`; null where the index is of a column itself. */
  expression_type: string | null;
  operator_class: string;
  parameters: string[];
  partial: boolean;
  valid: boolean;
  definition: string;
}

/**
 * An index on an expression says which columns it depends on, and of what type its one column is: of our own, that is the
 * vector column and its cast, or its bits.
 */
const EXPRESSION_SQL = `SELECT u.attname, t.typname || '(' || e.atttypmod || ')' AS type
        FROM pg_depend d
        JOIN pg_attribute u ON u.attrelid = d.refobjid AND u.attnum = d.refobjsubid
        JOIN pg_attribute e ON e.attrelid = i.indexrelid AND e.attnum = 1
        JOIN pg_type t ON t.oid = e.atttypid
       WHERE i.indkey[0] = 0 AND d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0 LIMIT 1`;

/** What pgvector takes where the definition says nothing: an index of somebody else's may leave it so. */
const DEFAULTS = { ef_construction: '64', m: '16' };

const withDefaults = (parameters: readonly string[]): string =>
  JSON.stringify(
    Object.entries({
      ...DEFAULTS,
      ...Object.fromEntries(parameters.map((each) => each.split('=') as [string, string])),
    }).toSorted(([a], [b]) => a.localeCompare(b)),
  );

/** Validity alone is not enough: IF NOT EXISTS would also be content with a valid index of another column. */
export async function findIndex(db: Queryable, target: Target, wanted: IndexDefinition): Promise<FoundIndex> {
  const found = await db.query<CatalogRow>(
    `SELECT i.indrelid = $2::regclass AS ours, am.amname::text AS method, coalesce(a.attname, expression_of.attname)::text AS column, expression_of.type AS expression_type, o.opcname::text AS operator_class,
            coalesce(c.reloptions, '{}') AS parameters, i.indpred IS NOT NULL AS partial,
            i.indisvalid AND i.indisready AND i.indislive AS valid, pg_get_indexdef(i.indexrelid) AS definition
       FROM pg_class c
       JOIN pg_index i ON i.indexrelid = c.oid
       JOIN pg_am am ON am.oid = c.relam
       JOIN pg_opclass o ON o.oid = i.indclass[0]
       LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       LEFT JOIN LATERAL (${EXPRESSION_SQL}) expression_of ON true
      WHERE c.relname = $1 AND c.relnamespace = $3::regnamespace`,
    [wanted.name, target.store.table, quoteName(target.store.schema)],
  );
  const row = found.rows[0];
  if (row === undefined) return { kind: 'none' };
  const matches =
    row.ours &&
    row.method === wanted.method &&
    row.column === wanted.column &&
    row.expression_type === (wanted.expression?.type ?? null) &&
    row.operator_class === wanted.operatorClass &&
    (target.indexed.type !== 'bit' || row.definition.includes('binary_quantize(')) &&
    !row.partial &&
    // IVFFlat's number of lists follows the row count of its day; more rows since are no other definition.
    (wanted.method === 'ivfflat' || withDefaults(row.parameters) === withDefaults(wanted.parameters));
  if (row.valid) return matches ? { kind: 'valid' } : { kind: 'other', definition: row.definition };
  // What is attached to an index of a partitioned table would go with it: one of another definition is not ours to drop.
  return row.ours && row.column === wanted.column && (matches || !target.store.isPartitioned)
    ? { kind: 'invalid' }
    : { kind: 'other', definition: row.definition };
}
