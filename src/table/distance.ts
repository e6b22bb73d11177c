/**
 * Distances of the rows' vectors to a query's, as SQL. An index on an expression serves only a query with the very same one; the
 * distance that is shown is that of the stored vectors all the same.
 */

import { distanceOperator, operatorNamed, type Metric } from './metric.ts';
import type { Target } from './backfill-target.ts';
import { vectorColumn } from './stored-vectors.ts';
import type { IndexedType } from './vector-type.ts';

/** @param vector SQL of the query's vector, of type `vector`. */
export function storedDistance(target: Target, metric: Metric, vector: string): string {
  const operator = distanceOperator(metric, target.vectorPrefix);
  const asStored = target.columnType === 'vector' ? vector : `${vector}::${target.vectorPrefix}halfvec`;
  return `${vectorColumn(target)} ${operator} ${asStored}`;
}

/** What ORDER BY must say for the index to serve it. @param vector SQL of the query's vector, of type `vector`. */
export function indexedDistance(target: Target, metric: Metric, vector: string): string {
  const row = indexedSql(target, vectorColumn(target));
  const query = indexedSql(target, vector);
  if (row === null || query === null) return storedDistance(target, metric, vector);
  const { indexed, vectorPrefix } = target;
  return indexed.type === 'bit'
    ? bitDistance(target, row, query)
    : `${row} ${distanceOperator(metric, vectorPrefix)} ${query}`;
}

/** Number of bits that differ. */
export const bitDistance = (
  { vectorPrefix }: Pick<Target, 'vectorPrefix'>,
  bits: string,
  others: string,
): string => `${bits} ${operatorNamed('<~>', vectorPrefix)} ${others}`;

/** Of each component whether it is above zero. @param vector as SQL, of type `vector` or `halfvec` */
export const bitsSql = (target: Pick<Target, 'vectorPrefix'>, vector: string, dimensions: number): string =>
  `${target.vectorPrefix}binary_quantize(${vector})::${typeSql(target, 'bit', dimensions)}`;

/** The same order, by anything but a vector index: none serves an expression over the distance. */
export const unindexedDistance = (target: Target, metric: Metric, vector: string): string =>
  `(${storedDistance(target, metric, vector)})::pg_catalog.float8 OPERATOR(pg_catalog.+) 0::pg_catalog.float8`;

/** What the index has of a vector, such as `…::halfvec(384)`; null where that is the vector itself. @param vector as SQL */
export function indexedSql(target: Target, vector: string): string | null {
  const { columnType, indexed, dimensions } = target;
  if (indexed.type === columnType || dimensions === null) return null;
  return indexed.type === 'bit'
    ? bitsSql(target, vector, dimensions)
    : `${vector}::${typeSql(target, indexed.type, dimensions)}`;
}

/** `bit(…)` is grammar, and PostgreSQL's own on every search path. */
export const typeSql = (
  { vectorPrefix }: Pick<Target, 'vectorPrefix'>,
  type: IndexedType,
  dimensions: number,
): string => `${type === 'bit' ? '' : vectorPrefix}${type}(${dimensions})`;

/** As the catalog has the type of the indexed expression: `halfvec(384)`, `bit(384)`; null where the index is of the column itself. */
export function indexedTypeSql({ columnType, dimensions, indexed }: Target): string | null {
  if (indexed.type === columnType || dimensions === null) return null;
  return `${indexed.type}(${dimensions})`;
}
