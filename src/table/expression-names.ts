/**
 * The operator's expressions with every name in them looked up: on the operator's path, once, by PostgreSQL itself. What is run
 * afterwards names each function, operator and type with its schema, so that it means the same on any path, and nobody who may
 * create in a schema of the path can put a better fitting function in between.
 */

import type pg from 'pg';
import { OWN_PATH } from '../db/search-path.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { isOwnPool } from '../db/pool-session.ts';
import { isUnreachable } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inSearch } from '../db/transaction.ts';
import { untrustedCode, untrustedObjects, type UntrustedObject } from './untrusted-names.ts';

export type NamedOption = 'text' | 'where' | 'search.tsvector';

/** As the operator wrote it, and with its names. */
export interface NamedExpression {
  raw: string;
  sql: string;
}

export type ExpressionNames = Partial<Record<NamedOption, NamedExpression>>;

export type RawExpressions = Partial<Record<NamedOption, string>>;

const VIEW = 'pgvb_expression';
/** What stands in pg_depend of it. */
const VIEW_SQL = `d.classid = 'pg_rewrite'::regclass AND d.objid = (SELECT r.oid FROM pg_rewrite r WHERE r.ev_class = 'pg_temp.${VIEW}'::regclass)
    AND d.refobjid <> 'pg_temp.${VIEW}'::regclass`;

/** Those that are of these very words. */
export const namesOfWords = (kept: ExpressionNames, raw: RawExpressions): ExpressionNames =>
  Object.fromEntries(
    Object.entries(kept).filter(([option, { raw: of }]) => raw[option as NamedOption] === of),
  );

/** By pool. */
const looked = new WeakMap<Queryable, Map<string, ExpressionNames>>();

/**
 * Looks the names up. An expression that does not run, or that this role may make no temporary view of, is left out: whoever
 * uses it as it is says why. On pools of our own alone.
 * @param table quoted, with its schema @param oid of it @param afresh whatever was found before
 * @throws ConfigError `EXPRESSION_FOREIGN` where it calls what belongs to a role that must not run code as this one
 */
export async function resolveNames(
  db: Queryable,
  { table, oid }: { table: string; oid: string },
  raw: RawExpressions,
  afresh = true,
): Promise<ExpressionNames> {
  const names: ExpressionNames = {};
  if (!isOwnPool(db as Pool) || Object.keys(raw).length === 0) return names;
  const seen = looked.get(db) ?? new Map<string, ExpressionNames>();
  const key = JSON.stringify([table, oid, raw]);
  const before = seen.get(key);
  if (!afresh && before !== undefined) return before;
  for (const [option, words] of Object.entries(raw) as [NamedOption, string][]) {
    const found = await lookUp(db as Pool, { table, oid }, words).catch((error: unknown) => {
      if (isUnreachable(error)) throw error;
      return null;
    });
    if (found === null) continue;
    const [first] = found.foreign;
    if (first !== undefined) throw untrustedCode(option, first);
    names[option] = { raw: words, sql: found.sql };
  }
  // Of a ledger that an older release has left, every batch would ask.
  if (Object.keys(names).length === Object.keys(raw).length) looked.set(db, seen.set(key, names));
  return names;
}

interface LookedUp {
  sql: string;
  foreign: UntrustedObject[];
}

/** PostgreSQL writes a view as it has understood it; what it may leave unqualified is what the path of that moment holds. */
async function lookUp(
  pool: Pool,
  { table, oid }: { table: string; oid: string },
  words: string,
): Promise<LookedUp | null> {
  return inSearch(pool, { ...TABLE_LIMITS, tries: 1 }, async (client) => {
    // Extended: of a message that holds several statements, which the operator's SQL may end ours to make, none is run. Beside
    // another relation, so that columns are written with the table's name: system columns need it.
    const text = `CREATE TEMP VIEW ${VIEW} AS SELECT (${words}) AS value FROM ${table} CROSS JOIN LATERAL (SELECT 1 AS pgvb_one) pgvb_beside`;
    await client.query({ text, queryMode: 'extended' } as pg.QueryConfig);
    await client.query(`SET LOCAL search_path = ${OWN_PATH}`);
    const found = await client.query<{ definition: string }>(
      `SELECT pg_get_viewdef('pg_temp.${VIEW}'::regclass) AS definition`,
    );
    const foreign = await untrustedObjects(client, VIEW_SQL, oid);
    await client.query(`DROP VIEW pg_temp.${VIEW}`);
    const [, sql] = /^ SELECT ([\s\S]*) AS value\n\s*FROM /.exec(found.rows[0]?.definition ?? '') ?? [];
    return sql === undefined ? null : { sql, foreign };
  });
}
