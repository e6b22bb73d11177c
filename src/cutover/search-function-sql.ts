/** The texts of vector search for those who write SQL: a function that brings its settings along, and the plain query. */

import { parseGenerationName } from '../config/values/generation-name.ts';
import { quoteLiteral, quoteName } from '../db/identifiers.ts';
import type { ReadSettings } from '../ledger/reads/read-settings.ts';
import { PLACE, allPassagesSql, nearestPassagesSql } from '../search/queries/nearest-passages.ts';
import { searchFunctionName } from '../search/queries/sql-function.ts';
import { isOrdered } from '../search/queries/vector-query.ts';
import type { Target } from '../table/backfill-target.ts';
import { candidatesSql, isReranked, rerankedSql, scanDepth } from '../table/candidates.ts';
import { indexedDistance, storedDistance, unindexedDistance } from '../table/distance.ts';
import { legacyKey } from '../table/key.ts';
import type { Metric } from '../table/metric.ts';
import { vectorColumn, vectorRows } from '../table/stored-vectors.ts';

/** Columns of the function's answer. */
export interface Shape {
  /** Whether it has those of a passage; null where rows have none. */
  givesPassages: boolean;
}

const placeOf = ({ givesPassages }: Shape): readonly string[] => (givesPassages ? PLACE : PLACE.slice(0, 1));

const shapeOf = ({ hasPassages }: Target): Shape => ({ givesPassages: hasPassages });

/** `key` of one column; of several their own names, but for those of the function's parameters. */
function outputNames({ key }: Target, shape: Shape): string[] {
  if (key.length === 1) return ['key'];
  const taken = new Set(['query', 'k', ...placeOf(shape)]);
  return key.map(({ name }) => quoteName(taken.has(name) ? `key_${name}` : name));
}

/** Columns of an answer, with their types. */
export function outputs(target: Target, shape: Shape): { name: string; type: string }[] {
  const names = outputNames(target, shape);
  return [
    ...target.key.map(({ type }, at) => ({ name: `${names[at]}`, type })),
    ...placeOf(shape).map((name, at) => ({
      name,
      type: at === 0 ? 'double precision' : 'integer',
    })),
  ];
}

/** By the index; and what is asked, one after the other, where that gives fewer than k rows. The last one asks the whole table. */
function nearestStatements(
  target: Target,
  metric: Metric,
  read: ReadSettings,
  shape: Shape,
  [vector, k]: [vector: string, k: string],
): [string, ...string[]] {
  const refs = legacyKey(target);
  const names = outputNames(target, shape);
  // A function gives back the very type that it declares.
  const key = target.key.map(({ type, isDomain }, at) => ({
    sql: `${refs[at]}${isDomain ? `::${type}` : ''}`,
    name: `${names[at]}`,
  }));
  if (target.hasPassages) {
    const search = { target, metric, key, filter: '', vector, k };
    return [...nearestPassagesSql(search, isOrdered(target, read)), allPassagesSql(search)];
  }
  const unindexed = unindexedDistance(target, metric, vector);
  return [
    nearestStatement(target, metric, key, [vector, k]),
    nearestStatement(target, metric, key, [vector, k], unindexed),
  ];
}

/** @param order of the whole table, instead of by the index */
function nearestStatement(
  target: Target,
  metric: Metric,
  key: readonly { sql: string; name: string }[],
  [vector, k]: [vector: string, k: string],
  order: string | null = null,
): string {
  const columns = key.map(({ sql, name }) => `${sql} AS ${name}`);
  const byCandidates = order === null && isReranked(target);
  const scan = `SELECT ${columns.join(', ')}, (${storedDistance(target, metric, vector)})::float8 AS distance
  FROM ${vectorRows(target, 'each')}
 WHERE ${target.where} AND ${vectorColumn(target)} IS NOT NULL
 ORDER BY ${order ?? indexedDistance(target, metric, vector)} LIMIT ${byCandidates ? candidatesSql(target, k) : k}`;
  return byCandidates ? rerankedSql(scan, [...key.map(({ name }) => name), 'distance'], k) : scan;
}

/** To paste: the settings are the transaction's own, so it works behind a pooler too. */
export function plainSearchSql(target: Target, metric: Metric, read: ReadSettings): string {
  const settings = Object.entries(read).map(([name, value]) => `SET LOCAL ${name} = ${quoteLiteral(value)};`);
  const [query] = nearestStatements(target, metric, read, shapeOf(target), [
    `$1::${target.vectorPrefix}vector`,
    '$2',
  ]);
  return ['BEGIN;', ...settings, `${query};`, 'COMMIT;'].join('\n');
}

/**
 * Dynamic, although its text is constant: it is planned for the very k then. A plan for any k takes a tenth of the table for
 * the answer and may leave the index aside. Where the index gives fewer than k rows, the table is asked.
 */
export function createFunctionSql(
  target: Target,
  metric: Metric,
  read: ReadSettings,
  { verb = 'CREATE', ...shape }: Partial<Shape> & { verb?: string } = {},
): string {
  const full = { ...shapeOf(target), ...shape };
  const settings = Object.entries(read).map(([name, value]) => ` SET ${name} = ${quoteLiteral(value)}`);
  const columns = outputs(target, full).map(({ name, type }) => `${name} ${type}`);
  return `${verb} FUNCTION ${searchFunctionName(target)}(query ${target.vectorPrefix}vector, k integer DEFAULT 10) RETURNS TABLE (${columns.join(', ')}) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp${settings.join('')} AS ${quoteLiteral(functionBody(target, metric, read, full))}`;
}

/**
 * A vector of another model is told by its dimensions, as far as these differ: while reads move from one generation to another,
 * whoever asks by the function may still have the model of before.
 */
function dimensionCheck({ backfill, dimensions, name, searchStem, vectorPrefix }: Target): string {
  if (dimensions === null) return '';
  const { backfill: of, generation } = parseGenerationName(backfill);
  const fn = `search_${name}${searchStem === '' ? '' : `_${searchStem}`}`;
  const message = `${fn} asks by the vectors of generation ${generation} of ${of}, which have ${dimensions} dimensions; the query vector has `;
  const hint = `Make it with the model of generation ${generation}: embed() of createSearch does, and "pgvector-backfill status" names the model.`;
  return `
  IF ${vectorPrefix}vector_dims(query) <> ${dimensions} THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = ${quoteLiteral(message)} || ${vectorPrefix}vector_dims(query), HINT = ${quoteLiteral(hint)};
  END IF;`;
}

/** A statement with the columns of the function, where it has others: one that was there before keeps its own. */
function shaped(target: Target, shape: Shape, sql: string): string {
  if (shape.givesPassages === target.hasPassages) return sql;
  const names = [...outputNames(target, shape), 'distance'].map((name) => `pgvb_rows.${name}`);
  const nulls = shape.givesPassages ? PLACE.slice(1).map((name) => `NULL::pg_catalog.int4 AS ${name}`) : [];
  return `SELECT ${[...names, ...nulls].join(', ')} FROM (${sql}) AS pgvb_rows`;
}

export function functionBody(target: Target, metric: Metric, read: ReadSettings, shape: Shape): string {
  const depth = scanDepth(target, 1) > 1 ? `(least(k, 1000) * ${scanDepth(target, 1)})` : 'k';
  const raise =
    read['hnsw.ef_search'] === undefined
      ? ''
      : `
  IF ${depth} > current_setting('hnsw.ef_search')::int THEN
    PERFORM set_config('hnsw.ef_search', least(${depth}, 1000)::text, true);
  END IF;`;
  const statements = nearestStatements(target, metric, read, shape, ['$1', '$2']);
  const [nearest = '', ...more] = statements.map((sql) => shaped(target, shape, sql));
  const whole = more.pop() ?? nearest;
  const columns = outputs(target, shape);
  const variables = columns.map(({ name }, at) =>
    at === 0 ? 'keys' : at < target.key.length ? `keys${at + 1}` : `${name}s`,
  );
  const gathered = columns.map(({ name }) => `array_agg(${name})`).join(', ');
  const gather = (sql: string): string =>
    `EXECUTE ${quoteLiteral(`SELECT ${gathered} FROM (${sql}) nearest`)} INTO ${variables.join(', ')} USING query, k;`;
  const wider = more.map(
    (sql) => `
  IF coalesce(cardinality(keys), 0) < k THEN
    ${gather(sql)}
  END IF;`,
  );
  return `
DECLARE
${columns.map(({ type }, at) => `  ${variables[at]} ${type}[];\n`).join('')}BEGIN${dimensionCheck(target)}${raise}
  ${gather(nearest)}${wider.join('')}
  IF coalesce(cardinality(keys), 0) < k THEN
    RETURN QUERY EXECUTE ${quoteLiteral(whole)} USING query, k;
  ELSE
    RETURN QUERY SELECT * FROM unnest(${variables.join(', ')});
  END IF;
END
`;
}
