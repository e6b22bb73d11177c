/** Vector search for those who write SQL: a function that brings its settings along, and the plain query. */

import { createHash } from 'node:crypto';
import { boundedName, quoteLiteral, quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { loadReadSettings, type ReadSettings } from '../search/read-settings.ts';
import { ITERATIVE, hasCondition } from '../search/vector-query.ts';
import { indexedDistance, storedDistance, vectorColumn } from '../table/distance.ts';
import type { Metric } from '../table/metric.ts';
import type { Target } from '../table/target.ts';
import { findVectorExtension, isAtLeast } from '../table/vector-extension.ts';

export interface SearchFunction {
  /** Quoted, with its schema. */
  name: string;
  /** Still to run; empty where it is in place as it should be, or cannot be. */
  statements: string[];
  /** What keeps it from being made; else null. */
  obstacle: string | null;
}

const MARK = 'pgvector-backfill search of';
/** pgvector's own. */
const EF_SEARCH = '40';

export const searchFunctionName = (target: Target): string =>
  `${quoteName(target.schema)}.${quoteName(boundedName('search_', target.name))}`;

const signature = (target: Target): string =>
  `${searchFunctionName(target)}(${target.vectorPrefix}vector, integer)`;

/** What reads are run with, and what a condition in the query needs besides. */
export async function settingsOfReads(db: Queryable, target: Target): Promise<ReadSettings> {
  const { method } = target.indexed;
  const { version } = await findVectorExtension(db);
  const iterative = hasCondition(target, null) && isAtLeast(version ?? '0', '0.8.0');
  const own = Object.entries(ITERATIVE).filter(([name]) => name.startsWith(`${method}.`));
  return {
    // Always said, so that what the function raises for a larger k ends with it.
    ...(method === 'hnsw' ? { 'hnsw.ef_search': EF_SEARCH } : {}),
    ...(iterative ? Object.fromEntries(own) : {}),
    ...(await loadReadSettings(db, target.backfill)),
  };
}

function nearestStatement(target: Target, metric: Metric, vector: string, k: string): string {
  return `SELECT ${target.ref}.${quoteName(target.key)} AS key, (${storedDistance(target, metric, vector)})::float8 AS distance
  FROM ${target.table}
 WHERE ${target.where} AND ${vectorColumn(target)} IS NOT NULL
 ORDER BY ${indexedDistance(target, metric, vector)} LIMIT ${k}`;
}

/** To paste: the settings are the transaction's own, so it works behind a pooler too. */
export function plainSearchSql(target: Target, metric: Metric, read: ReadSettings): string {
  const settings = Object.entries(read).map(([name, value]) => `SET LOCAL ${name} = ${quoteLiteral(value)};`);
  const query = nearestStatement(target, metric, `$1::${target.vectorPrefix}vector`, '$2');
  return ['BEGIN;', ...settings, `${query};`, 'COMMIT;'].join('\n');
}

/**
 * Dynamic, although its text is constant: it is planned for the very k then. A plan for any k takes a tenth of the table for
 * the answer and may leave the index aside.
 */
export function createFunctionSql(target: Target, metric: Metric, read: ReadSettings): string {
  const raise =
    read['hnsw.ef_search'] === undefined
      ? ''
      : `
  IF k > current_setting('hnsw.ef_search')::int THEN
    PERFORM set_config('hnsw.ef_search', least(k, 1000)::text, true);
  END IF;`;
  const body = `
BEGIN${raise}
  RETURN QUERY EXECUTE ${quoteLiteral(nearestStatement(target, metric, '$1', '$2'))} USING query, k;
END
`;
  const settings = Object.entries(read).map(([name, value]) => ` SET ${name} = ${quoteLiteral(value)}`);
  return `CREATE FUNCTION ${searchFunctionName(target)}(query ${target.vectorPrefix}vector, k integer DEFAULT 10) RETURNS TABLE (key ${target.keyType}, distance double precision) LANGUAGE plpgsql STABLE${settings.join('')} AS ${quoteLiteral(body)}`;
}

/** What is missing for the function to be there, with the settings of today. Changes nothing. */
export async function planSearchFunction(
  db: Queryable,
  target: Target,
  metric: Metric,
  read: ReadSettings,
): Promise<SearchFunction> {
  const name = searchFunctionName(target);
  const create = createFunctionSql(target, metric, read);
  const digest = createHash('sha256').update(create).digest('hex').slice(0, 16);
  const mark = `${MARK} ${target.backfill}, ${digest}`;
  const present = await markOf(db, target);
  const allowed = await db.query<{ allowed: boolean }>(
    `SELECT has_schema_privilege($1::regnamespace, 'CREATE') AS allowed`,
    [quoteName(target.schema)],
  );
  if (present === mark) return { name, statements: [], obstacle: null };
  if (present !== null && !present.startsWith(MARK))
    return { name, statements: [], obstacle: 'the name is taken by a function that is not ours' };
  if (allowed.rows[0]?.allowed !== true)
    return { name, statements: [], obstacle: `this role may not create anything in schema ${target.schema}` };
  return {
    name,
    statements: [
      ...(present === null ? [] : [`DROP FUNCTION ${signature(target)}`]),
      create,
      `COMMENT ON FUNCTION ${signature(target)} IS ${quoteLiteral(mark)}`,
    ],
    obstacle: null,
  };
}

/** Empty where there is none of ours. */
export async function dropSearchFunction(db: Queryable, target: Target): Promise<string[]> {
  const present = await markOf(db, target);
  return present?.startsWith(MARK) === true ? [`DROP FUNCTION IF EXISTS ${signature(target)}`] : [];
}

/** Its comment, empty where it has none; null where there is no such function. */
async function markOf(db: Queryable, target: Target): Promise<string | null> {
  // Without the extension there is no such type, nor a function that takes it.
  if (target.vectorPrefix === '') return null;
  const found = await db.query<{ present: boolean; mark: string | null }>(
    `SELECT p IS NOT NULL AS present, obj_description(p::oid, 'pg_proc') AS mark FROM to_regprocedure($1) p`,
    [signature(target)],
  );
  const row = found.rows[0];
  return row?.present === true ? (row.mark ?? '') : null;
}

/** Settings of an extension are checked only once its library is loaded. */
export const loadLibrarySql = (target: Target): string => `SELECT '[1]'::${target.vectorPrefix}vector`;
