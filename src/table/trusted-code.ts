/**
 * The search in use today, filters and the throttle's check run as the operator wrote them, on the operator's path, read-only. Whose code that would
 * call is looked at before: PostgreSQL says so of a function with the same body. On pools of our own alone: an application runs
 * its own SQL anyway, with its own rights.
 */

import type pg from 'pg';
import { OWN_PATH } from '../db/search-path.ts';
import type { Pool } from '../db/pool.ts';
import { isOwnPool } from '../db/pool-session.ts';
import { isUnreachable } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inSearch } from '../db/transaction.ts';
import { untrustedCode, untrustedObjects, type UntrustedObject } from './untrusted-names.ts';
import type { Target } from './backfill-target.ts';

const NAME = 'pgvb_statement';
let prepares = 0;

/** Statements that were looked at. */
const known = new WeakMap<Pool, Set<string>>();

/** @throws ConfigError `EXPRESSION_FOREIGN`. What does not run, or cannot be looked at, is left to whoever runs it. */
export async function assertTrustedCode(
  pool: Pool,
  target: Pick<Target, 'oid'>,
  option: string,
  sql: string | undefined,
): Promise<void> {
  if (sql === undefined || !isOwnPool(pool)) return;
  const seen = known.get(pool) ?? new Set();
  if (seen.has(sql)) return;
  const [first] = await foreignIn(pool, target, sql).catch((error: unknown): UntrustedObject[] => {
    if (isUnreachable(error)) throw error;
    return [];
  });
  if (first !== undefined) throw untrustedCode(option, first);
  known.set(pool, seen.add(sql));
}

function foreignIn(pool: Pool, { oid }: Pick<Target, 'oid'>, sql: string): Promise<UntrustedObject[]> {
  return inSearch(pool, { ...TABLE_LIMITS, tries: 1 }, async (client) => {
    // Extended: of a message that holds several statements none is run.
    const run = (text: string): Promise<unknown> =>
      client.query({ text, queryMode: 'extended' } as pg.QueryConfig);
    // One of its own each: a transaction that fails leaves it behind.
    const prepared = `${NAME}_${++prepares}`;
    await run(`PREPARE ${prepared} AS ${sql}`);
    const types = await client.query<{ types: string }>(
      `SELECT pg_catalog.array_to_string(s.parameter_types::text[], ', ') AS types FROM pg_catalog.pg_prepared_statements s WHERE s.name = '${prepared}'`,
    );
    await client.query(`DEALLOCATE ${prepared}`);
    const signature = `pg_temp.${NAME}(${types.rows[0]?.types ?? ''})`;
    // PostgreSQL 14 and newer.
    await run(
      `CREATE FUNCTION ${signature} RETURNS SETOF record LANGUAGE sql BEGIN ATOMIC ${sql.replace(/[\s;]+$/, '')}; END`,
    );
    await client.query(`SET LOCAL search_path = ${OWN_PATH}`);
    const foreign = await untrustedObjects(
      client,
      `d.classid = 'pg_proc'::regclass AND d.objid = (SELECT p.oid FROM pg_proc p WHERE p.proname = '${NAME}' AND p.pronamespace = pg_my_temp_schema())`,
      oid,
    );
    await client.query(`DROP FUNCTION ${signature}`);
    return foreign;
  });
}
