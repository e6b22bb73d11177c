/** Vector search for those who write SQL: a function that brings its settings along, and the plain query. */

import { createHash } from 'node:crypto';
import { backfillOf } from '../config/values/generation-name.ts';
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
import { PLACE } from '../search/queries/nearest-passages.ts';
import { iterativeSettings } from '../search/queries/vector-query.ts';
import type { Target } from '../table/backfill-target.ts';
import { isReranked } from '../table/candidates.ts';
import type { Metric } from '../table/metric.ts';
import { findVectorExtension } from '../table/vector-extension.ts';
import { createFunctionSql, functionBody, outputs, type Shape } from './search-function-sql.ts';

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

/** What is missing for the function to be there, with the settings of today. Changes nothing. */
export async function planSearchFunction(
  db: Queryable,
  target: Target,
  metric: Metric,
  read: ReadSettings,
): Promise<SearchFunction> {
  const name = searchFunctionName(target);
  const signature = searchFunctionSignature(target);
  const present = (await presentFunctions(db, target)).find((each) => each.name === name) ?? null;
  const shape =
    present === null ? { givesPassages: target.hasPassages } : await shapeFor(db, target, signature);
  const create = createFunctionSql(target, metric, read, shape);
  const mark = searchFunctionMark(target.backfill, createHash('sha256').update(create).digest('hex'));
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
  if (present?.mark === mark && present.source === functionBody(target, metric, read, shape))
    return { name, statements: [], obstacle: null };
  if (present !== null && owner === null) return not('the name is taken by a function that is not ours');
  if (owner !== null && owner !== backfillOf(target.backfill))
    return not(`the name is taken by the function of backfill ${owner}`);
  if (allowed.rows[0]?.allowed !== true)
    return not(`this role may not create anything in schema ${target.schema}`);
  const isReplaced = present !== null && (await givesTheSame(db, target, shape));
  return {
    name,
    statements: [
      ...(present === null || isReplaced ? [] : [`DROP FUNCTION ${signature}`]),
      isReplaced ? createFunctionSql(target, metric, read, { ...shape, verb: 'CREATE OR REPLACE' }) : create,
      `COMMENT ON FUNCTION ${signature} IS ${quoteLiteral(mark)}`,
    ],
    obstacle: null,
  };
}

/**
 * One that is there keeps the columns of passages, whatever generation answers; and it does without them where somebody relies on
 * it: to get them it has to be dropped, with its grants, and views would keep it from that.
 */
async function shapeFor(db: Queryable, { hasPassages }: Target, signature: string): Promise<Shape> {
  const found = await db.query<{ has: boolean; relied: boolean }>(
    `SELECT p.proargnames @> $2::text[] AS has,
            p.proacl IS NOT NULL OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid AND d.deptype = 'n') AS relied
       FROM pg_proc p WHERE p.oid = to_regprocedure($1)`,
    [signature, [...PLACE]],
  );
  const present = found.rows[0];
  return { givesPassages: present?.has === true || (hasPassages && present?.relied !== true) };
}

/** Whether the function that is there can be replaced, which keeps its grants and the views that stand on it. */
async function givesTheSame(db: Queryable, target: Target, shape: Shape): Promise<boolean> {
  const found = await db.query<{ same: boolean }>(
    `SELECT p.proallargtypes = ARRAY(SELECT to_regtype(w.type)::oid FROM unnest($2::text[]) WITH ORDINALITY AS w (type, at) ORDER BY w.at)
            AND p.proargnames = ARRAY(SELECT trim(BOTH '"' FROM w.name) FROM unnest($3::text[]) WITH ORDINALITY AS w (name, at) ORDER BY w.at) AS same
       FROM pg_proc p WHERE p.oid = to_regprocedure($1)`,
    [
      searchFunctionSignature(target),
      [`${target.vectorPrefix}vector`, 'integer', ...outputs(target, shape).map(({ type }) => type)],
      ['query', 'k', ...outputs(target, shape).map(({ name }) => name)],
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
