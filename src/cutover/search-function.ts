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
import { iterativeSettings } from '../search/queries/vector-query.ts';
import { candidatesSql, hasCandidates, isReranked, nearestOfSql, scanDepth } from '../table/candidates.ts';
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

/** `key` of one column; of several their own names, but for those of the function's parameters. */
function outputNames({ key }: Target): string[] {
  if (key.length === 1) return ['key'];
  const taken = new Set(['query', 'k', 'distance']);
  return key.map(({ name }) => quoteName(taken.has(name) ? `key_${name}` : name));
}

/** @param order of the whole table, instead of by the index */
function nearestStatement(
  target: Target,
  metric: Metric,
  vector: string,
  k: string,
  order: string | null = null,
): string {
  const refs = legacyKey(target);
  const names = outputNames(target);
  // A function gives back the very type that it declares.
  const key = target.key.map(
    ({ type, isDomain }, at) => `${refs[at]}${isDomain ? `::${type}` : ''} AS ${names[at]}`,
  );
  const isAll = target.hasPassages && order !== null;
  const end = isAll
    ? ''
    : `
 ORDER BY ${order ?? indexedDistance(target, metric, vector)} LIMIT ${order === null ? candidatesSql(target, k) : k}`;
  const scan = `SELECT ${key.join(', ')}, (${storedDistance(target, metric, vector)})::float8 AS distance
  FROM ${vectorRows(target, 'each')}
 WHERE ${target.where} AND ${vectorColumn(target)} IS NOT NULL${end}`;
  return isAll || (order === null && hasCandidates(target)) ? nearestOfSql(target, scan, names, k) : scan;
}

/** To paste: the settings are the transaction's own, so it works behind a pooler too. */
export function plainSearchSql(target: Target, metric: Metric, read: ReadSettings): string {
  const settings = Object.entries(read).map(([name, value]) => `SET LOCAL ${name} = ${quoteLiteral(value)};`);
  const query = nearestStatement(target, metric, `$1::${target.vectorPrefix}vector`, '$2');
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
  return `${verb} FUNCTION ${searchFunctionName(target)}(query ${target.vectorPrefix}vector, k integer DEFAULT 10) RETURNS TABLE (${target.key.map(({ type }, at) => `${outputNames(target)[at]} ${type}`).join(', ')}, distance double precision) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp${settings.join('')} AS ${quoteLiteral(functionBody(target, metric, read))}`;
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
  const depth = hasCandidates(target) ? `(least(k, 1000) * ${scanDepth(target, 1)})` : 'k';
  const raise =
    read['hnsw.ef_search'] === undefined
      ? ''
      : `
  IF ${depth} > current_setting('hnsw.ef_search')::int THEN
    PERFORM set_config('hnsw.ef_search', least(${depth}, 1000)::text, true);
  END IF;`;
  const nearest = nearestStatement(target, metric, '$1', '$2');
  const columns = target.key.map((_, at) => (at === 0 ? 'keys' : `keys${at + 1}`));
  const names = outputNames(target);
  const gathered = [...names.map((name) => `array_agg(${name})`), 'array_agg(distance)'].join(', ');
  const whole = nearestStatement(target, metric, '$1', '$2', unindexedDistance(target, metric, '$1'));
  return `
DECLARE
${target.key.map(({ type }, at) => `  ${columns[at]} ${type}[];\n`).join('')}  distances double precision[];
BEGIN${dimensionCheck(target)}${raise}
  EXECUTE ${quoteLiteral(`SELECT ${gathered} FROM (${nearest}) nearest`)} INTO ${columns.join(', ')}, distances USING query, k;
  IF coalesce(cardinality(keys), 0) < k THEN
    RETURN QUERY EXECUTE ${quoteLiteral(whole)} USING query, k;
  ELSE
    RETURN QUERY SELECT * FROM unnest(${columns.join(', ')}, distances);
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
      [`${target.vectorPrefix}vector`, 'integer', ...target.key.map(({ type }) => type), 'double precision'],
      ['query', 'k', ...outputNames(target), 'distance'],
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
