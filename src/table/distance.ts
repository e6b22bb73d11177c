/**
 * Distances of the rows' vectors to a query's, as SQL. An index on a cast serves only a query with the very same cast; the
 * distance that is shown is that of the stored vectors all the same.
 */

import { distanceOperator, type Metric } from './metric.ts';
import type { Target } from './backfill-target.ts';
import { vectorColumn } from './stored-vectors.ts';

/** @param vector SQL of the query's vector, of type `vector`. */
export function storedDistance(target: Target, metric: Metric, vector: string): string {
  const operator = distanceOperator(metric, target.vectorPrefix);
  const asStored = target.columnType === 'vector' ? vector : `${vector}::${target.vectorPrefix}halfvec`;
  return `${vectorColumn(target)} ${operator} ${asStored}`;
}

/** What ORDER BY must say for the index to serve it. @param vector SQL of the query's vector, of type `vector`. */
export function indexedDistance(target: Target, metric: Metric, vector: string): string {
  const cast = indexCast(target);
  if (cast === null) return storedDistance(target, metric, vector);
  return `${vectorColumn(target)}${cast} ${distanceOperator(metric, target.vectorPrefix)} ${vector}${cast}`;
}

/** The same order, by anything but a vector index: none serves an expression over the distance. */
export const unindexedDistance = (target: Target, metric: Metric, vector: string): string =>
  `(${storedDistance(target, metric, vector)})::pg_catalog.float8 OPERATOR(pg_catalog.+) 0::pg_catalog.float8`;

/** Of the column in the index, such as `::halfvec(384)`; null where the index is of the column itself. */
export function indexCast({ columnType, dimensions, indexed, vectorPrefix }: Target): string | null {
  if (indexed.type === columnType || dimensions === null) return null;
  return `::${vectorPrefix}${indexed.type}(${dimensions})`;
}
