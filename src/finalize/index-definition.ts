/** The index that is wanted, as SQL and as the catalog should show it. */

import type { Settings } from '../config/settings.ts';
import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { operatorClass } from '../table/metric.ts';
import type { Target } from '../table/target.ts';
import { ivfflatLists } from './forecast.ts';

export interface IndexDefinition {
  name: string;
  method: 'hnsw' | 'ivfflat';
  column: string;
  operatorClass: string;
  /** Storage parameters as in pg_class.reloptions, sorted. */
  parameters: string[];
}

export function wantedIndex(target: Target, settings: Settings, rows: number): IndexDefinition {
  const parameters =
    settings.indexMethod === 'hnsw'
      ? [`ef_construction=${settings.indexEfConstruction}`, `m=${settings.indexM}`]
      : [`lists=${settings.indexLists ?? ivfflatLists(rows)}`];
  return {
    name: target.indexName,
    method: settings.indexMethod,
    column: target.column,
    operatorClass: operatorClass(settings.metric),
    parameters,
  };
}

export function createIndexSql(target: Target, index: IndexDefinition): string {
  return (
    `CREATE INDEX CONCURRENTLY ${quoteName(index.name)} ON ${target.table} USING ${index.method} ` +
    `(${quoteName(index.column)} ${target.vectorPrefix}${index.operatorClass}) WITH (${index.parameters.join(', ')})`
  );
}

export function dropIndexSql(target: Target, index: IndexDefinition): string {
  return `DROP INDEX CONCURRENTLY IF EXISTS ${quoteName(target.schema)}.${quoteName(index.name)}`;
}

export type FoundIndex =
  | { kind: 'none' }
  /** Left behind by a build that did not end; it costs every write and serves no read. */
  | { kind: 'invalid' }
  | { kind: 'valid' }
  /** A valid index of this name that is something else: never ours to drop. */
  | { kind: 'other'; definition: string };

interface CatalogRow {
  ours: boolean;
  method: string;
  column: string | null;
  operator_class: string;
  parameters: string[];
  partial: boolean;
  valid: boolean;
  definition: string;
}

/** Validity alone is not enough: IF NOT EXISTS would also be content with a valid index of another column. */
export async function findIndex(db: Queryable, target: Target, wanted: IndexDefinition): Promise<FoundIndex> {
  const found = await db.query<CatalogRow>(
    `SELECT i.indrelid = $2::regclass AS ours, am.amname::text AS method, a.attname::text AS column, o.opcname::text AS operator_class,
            coalesce(c.reloptions, '{}') AS parameters, i.indpred IS NOT NULL AS partial,
            i.indisvalid AND i.indisready AND i.indislive AS valid, pg_get_indexdef(i.indexrelid) AS definition
       FROM pg_class c
       JOIN pg_index i ON i.indexrelid = c.oid
       JOIN pg_am am ON am.oid = c.relam
       JOIN pg_opclass o ON o.oid = i.indclass[0]
       LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE c.relname = $1 AND c.relnamespace = $3::regnamespace`,
    [wanted.name, target.table, quoteName(target.schema)],
  );
  const row = found.rows[0];
  if (row === undefined) return { kind: 'none' };
  const matches =
    row.ours &&
    row.method === wanted.method &&
    row.column === wanted.column &&
    row.operator_class === wanted.operatorClass &&
    !row.partial &&
    // IVFFlat's number of lists follows the row count of its day; more rows since are no other definition.
    (wanted.method === 'ivfflat' || row.parameters.toSorted().join() === wanted.parameters.join());
  if (row.valid) return matches ? { kind: 'valid' } : { kind: 'other', definition: row.definition };
  return row.ours && row.column === wanted.column
    ? { kind: 'invalid' }
    : { kind: 'other', definition: row.definition };
}
