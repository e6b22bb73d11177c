/** Vector search for those who write SQL: a function that brings its settings along, and the plain query. */

import { createHash } from 'node:crypto';
import { backfillOf, parseGenerationName } from '../config/values/generation-name.ts';
import { quoteLiteral, quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { forDepth, loadReadSettings, type ReadSettings } from '../ledger/reads/read-settings.ts';
import {
  ownFunctions,
  presentFunctions,
  searchFunctionMark,
  searchFunctionName,
  searchFunctionSignature,
} from '../search/queries/sql-function.ts';
import { PLACE, allPassagesSql, nearestPassagesSql } from '../search/queries/nearest-passages.ts';
import { isOrdered, iterativeSettings } from '../search/queries/vector-query.ts';
import { candidatesSql, isReranked, rerankedSql, scanDepth } from '../table/candidates.ts';
import { indexedDistance, storedDistance, unindexedDistance } from '../table/distance.ts';
import { vectorColumn, vectorRows } from '../table/stored-vectors.ts';
import { legacyKey } from '../table/key.ts';
import type { Metric } from '../table/metric.ts';
import type { Target } from '../table/backfill-target.ts';
import { findVectorExtension } from '../table/vector-extension.ts';

export interface SearchFunction {
  /** Quoted, with its schema. */
  name: string;
  /** Still to run; empty where it is in place as it should be, or cannot be. */
  statements: string[];
  /** What keeps it from being made; else null. */
  obstacle: string | null;
}

/** pgvector's own. */
const EF_SEARCH = '40';

/** What reads are run with. */
export async function settingsOfReads(db: Queryable, target: Target): Promise<ReadSettings> {
  const { method } = target.indexed;
  const { version } = await findVectorExtension(db);
  const own = Object.entries(iterativeSettings(version)).filter(([name]) => name.startsWith(`${method}.`));
  const read = {
    // Always said, so that what the function raises for a larger k ends with it.
    ...(method === 'hnsw' ? { 'hnsw.ef_search': EF_SEARCH } : {}),
    ...Object.fromEntries(own),
    ...(await loadReadSettings(db, target.backfill)),
  };
  return isReranked(target) ? forDepth(read, target.candidates) : read;
}

const placeOf = (hasPassages: boolean): readonly string[] => (hasPassages ? PLACE : PLACE.slice(0, 1));

/** `key` of one column; of several their own names, but for those of the function's parameters. */
function outputNames({ key, hasPassages }: Target): string[] {
  if (key.length === 1) return ['key'];
  const taken = new Set(['query', 'k', ...placeOf(hasPassages)]);
  return key.map(({ name }) => quoteName(taken.has(name) ? `key_${name}` : name));
}

/** Columns of an answer, with their types. */
function outputs(target: Target): { name: string; type: string }[] {
  const names = outputNames(target);
  return [
    ...target.key.map(({ type }, at) => ({ name: `${names[at]}`, type })),
    ...placeOf(target.hasPassages).map((name, at) => ({
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
  [vector, k]: [vector: string, k: string],
): [string, ...string[]] {
  const refs = legacyKey(target);
  const names = outputNames(target);
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
  return byCandidates ? rerankedSql(scan, [...outputNames(target), 'distance'], k) : scan;
}

/** To paste: the settings are the transaction's own, so it works behind a pooler too. */
export function plainSearchSql(target: Target, metric: Metric, read: ReadSettings): string {
  const settings = Object.entries(read).map(([name, value]) => `SET LOCAL ${name} = ${quoteLiteral(value)};`);
  const [query] = nearestStatements(target, metric, read, [`$1::${target.vectorPrefix}vector`, '$2']);
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
  verb = 'CREATE',
): string {
  const settings = Object.entries(read).map(([name, value]) => ` SET ${name} = ${quoteLiteral(value)}`);
  return `${verb} FUNCTION ${searchFunctionName(target)}(query ${target.vectorPrefix}vector, k integer DEFAULT 10) RETURNS TABLE (${outputs(
    target,
  )
    .map(({ name, type }) => `${name} ${type}`)
    .join(
      ', ',
    )}) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp${settings.join('')} AS ${quoteLiteral(functionBody(target, metric, read))}`;
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

function functionBody(target: Target, metric: Metric, read: ReadSettings): string {
  const depth = scanDepth(target, 1) > 1 ? `(least(k, 1000) * ${scanDepth(target, 1)})` : 'k';
  const raise =
    read['hnsw.ef_search'] === undefined
      ? ''
      : `
  IF ${depth} > current_setting('hnsw.ef_search')::int THEN
    PERFORM set_config('hnsw.ef_search', least(${depth}, 1000)::text, true);
  END IF;`;
  const [nearest, ...more] = nearestStatements(target, metric, read, ['$1', '$2']);
  const whole = more.pop() ?? nearest;
  const columns = outputs(target);
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

/** What is missing for the function to be there, with the settings of today. Changes nothing. */
export async function planSearchFunction(
  db: Queryable,
  target: Target,
  metric: Metric,
  read: ReadSettings,
): Promise<SearchFunction> {
  const name = searchFunctionName(target);
  const signature = searchFunctionSignature(target);
  const create = createFunctionSql(target, metric, read);
  const mark = searchFunctionMark(target.backfill, createHash('sha256').update(create).digest('hex'));
  const present = (await presentFunctions(db, target)).find((each) => each.name === name) ?? null;
  const owner = present?.generation == null ? null : backfillOf(present.generation);
  const allowed = await db.query<{ allowed: boolean }>(
    `SELECT has_schema_privilege($1::regnamespace, 'CREATE') AS allowed`,
    [quoteName(target.schema)],
  );
  const not = (obstacle: string): SearchFunction => ({ name, statements: [], obstacle });
  if (present !== null && !present.trusted)
    return not(
      `the name is taken by a function of role ${present.owner}, whose code must not run with the rights of others (DROP FUNCTION ${signature} takes it away)`,
    );
  // Whoever replaces a function leaves its comment as it is.
  if (present?.mark === mark && present.source === functionBody(target, metric, read))
    return { name, statements: [], obstacle: null };
  if (present !== null && owner === null) return not('the name is taken by a function that is not ours');
  if (owner !== null && owner !== backfillOf(target.backfill))
    return not(`the name is taken by the function of backfill ${owner}`);
  if (allowed.rows[0]?.allowed !== true)
    return not(`this role may not create anything in schema ${target.schema}`);
  const isReplaced = present !== null && (await givesTheSame(db, target));
  return {
    name,
    statements: [
      ...(present === null || isReplaced ? [] : [`DROP FUNCTION ${signature}`]),
      isReplaced ? createFunctionSql(target, metric, read, 'CREATE OR REPLACE') : create,
      `COMMENT ON FUNCTION ${signature} IS ${quoteLiteral(mark)}`,
    ],
    obstacle: null,
  };
}

/** Whether the function that is there can be replaced, which keeps its grants and the views that stand on it. */
async function givesTheSame(db: Queryable, target: Target): Promise<boolean> {
  const found = await db.query<{ same: boolean }>(
    `SELECT p.proallargtypes = ARRAY(SELECT to_regtype(w.type)::oid FROM unnest($2::text[]) WITH ORDINALITY AS w (type, at) ORDER BY w.at)
            AND p.proargnames = ARRAY(SELECT trim(BOTH '"' FROM w.name) FROM unnest($3::text[]) WITH ORDINALITY AS w (name, at) ORDER BY w.at) AS same
       FROM pg_proc p WHERE p.oid = to_regprocedure($1)`,
    [
      searchFunctionSignature(target),
      [`${target.vectorPrefix}vector`, 'integer', ...outputs(target).map(({ type }) => type)],
      ['query', 'k', ...outputs(target).map(({ name }) => name)],
    ],
  );
  return found.rows[0]?.same === true;
}

/** Empty where there is none of this backfill. */
export const dropSearchFunction = async (db: Queryable, target: Target): Promise<string[]> =>
  (await ownFunctions(db, target))
    .filter(({ trusted }) => trusted)
    .map(({ signature }) => `DROP FUNCTION IF EXISTS ${signature}`);

/** Settings of an extension are checked only once its library is loaded. */
export const loadLibrarySql = (target: Target): string => `SELECT '[1]'::${target.vectorPrefix}vector`;
