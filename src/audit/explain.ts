/** How the server would run a statement of which the values are not known. Nothing is run. */

import type pg from 'pg';
import type { Node, SelectStmt } from 'libpg-query';
import type { Pool } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { inReadOnlySearch, type TransactionLimits } from '../db/transaction.ts';
import { selectsOf } from './sql/selects.ts';
import { nodesOf, parameterCount, replaceNode, sqlOf } from './sql/syntax.ts';

export interface PlanNode {
  'Node Type': string;
  Schema?: string;
  'Relation Name'?: string;
  Alias?: string;
  'Index Name'?: string;
  'Plan Rows': number;
  'Total Cost': number;
  'Order By'?: string;
  Filter?: string;
  'Join Filter'?: string;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  'Sort Key'?: string[];
  Output?: string[];
  Plans?: PlanNode[];
}

/** Planning alone: what takes longer waits for a lock, or calls functions. */
const LIMITS: TransactionLimits = { lockTimeoutMs: 1000, statementTimeoutMs: 5000, tries: 1 };

/** What a role has set for itself and a plan depends on. */
const OF_PLANS = /^(?:enable_\w+|hnsw\.\w+|ivfflat\.\w+|\w+_cost|effective_cache_size|search_path)$/;

/** The settings of the role that runs a statement, as its sessions begin with them: the later one of a name counts. */
export type RoleSettings = readonly (readonly [name: string, value: string])[];

export async function roleSettings(pool: Pool, roleId: string): Promise<RoleSettings> {
  const found = await pool.query<{ setting: string }>(
    `SELECT c.setting FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) WITH ORDINALITY AS c (setting, place)
      WHERE s.setrole IN (0, $1::oid) AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
      ORDER BY s.setrole = 0 DESC, s.setdatabase = 0 DESC, c.place`,
    [roleId],
  );
  return found.rows
    .map(({ setting }) => [setting.split('=', 1)[0] ?? '', setting.slice(setting.indexOf('=') + 1)] as const)
    .filter(([name]) => OF_PLANS.test(name));
}

/** @param rows that the statement gives, in place of a LIMIT that nobody shows: any number would be planned as a tenth of the table */
export function withRows(statement: Node, rows: number): Node {
  const copy = structuredClone(statement);
  for (const select of selectsOf(copy)) {
    set(select, 'limitCount', Math.max(1, Math.round(rows)));
    set(select, 'limitOffset', 0);
  }
  return copy;
}

function set(select: SelectStmt, part: 'limitCount' | 'limitOffset', value: number): void {
  const present = select[part];
  if (present === undefined || 'A_Const' in present) return;
  select[part] = { A_Const: { ival: { ival: value }, location: -1 } };
}

export type Explain = (statement: Node, forced?: boolean) => Promise<PlanNode>;

/**
 * Plans of several statements as one role's session would have them, in one read-only transaction; one that fails takes nothing
 * from the others.
 */
export function explaining<T>(
  pool: Pool,
  settings: RoleSettings,
  work: (explain: Explain, client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return inReadOnlySearch(pool, LIMITS, async (client) => {
    for (const [name, value] of settings)
      await client.query('SELECT pg_catalog.set_config($1, $2, true)', [name, value]);
    await client.query('SET LOCAL plan_cache_mode = force_generic_plan');
    const names = new Set<string>();
    const explain: Explain = async (statement, forced = false) => {
      await client.query('SAVEPOINT pgvb_plan');
      try {
        if (forced)
          for (const path of ['seqscan', 'sort', 'bitmapscan', 'indexonlyscan'])
            await client.query(`SET LOCAL enable_${path} = off`);
        return await planByNames(client, statement, names);
      } finally {
        // What was set for it, and what has failed.
        await client.query('ROLLBACK TO SAVEPOINT pgvb_plan');
      }
    };
    return work(explain, client);
  });
}

/** Names that a function may give to what it is called with, at most. */
const MAX_NAMES = 20;

/**
 * A statement inside a function says its variables by their names, which mean nothing outside: a name that PostgreSQL does not know
 * becomes a parameter. @param names that were found so; more are added
 */
async function planByNames(client: pg.PoolClient, statement: Node, names: Set<string>): Promise<PlanNode> {
  for (;;) {
    const asked = withParameters(statement, names);
    await client.query('SAVEPOINT pgvb_names');
    try {
      return await genericPlan(client, asked);
    } catch (error) {
      const name = unknownName(error);
      if (name === null || names.has(name) || names.size >= MAX_NAMES) throw error;
      await client.query('ROLLBACK TO SAVEPOINT pgvb_names');
      names.add(name);
    }
  }
}

const NAME = /^(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)(?:\.(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*))*/u;

/** As it stands in the statement, at the place that the server tells; null of any other error. */
function unknownName(error: unknown): string | null {
  if (!hasSqlState(error, SQLSTATE.columnMissing, SQLSTATE.tableMissing)) return null;
  const { position, asked } = error as { position?: string; asked?: string };
  if (position === undefined || asked === undefined) return null;
  // In characters, of which some are two of a string's.
  return (
    NAME.exec(
      Array.from(asked)
        .slice(Number(position) - 1)
        .join(''),
    )?.[0] ?? null
  );
}

function withParameters(statement: Node, names: ReadonlySet<string>): Node {
  if (names.size === 0) return statement;
  const copy = structuredClone(statement);
  const numbers = new Map<string, number>();
  const count = parameterCount(copy);
  for (const node of nodesOf(copy)) {
    if (!('ColumnRef' in node)) continue;
    const name = sqlOf(node);
    if (!names.has(name)) continue;
    const number = numbers.get(name) ?? count + numbers.size + 1;
    numbers.set(name, number);
    replaceNode(node, { ParamRef: { number } });
  }
  return copy;
}

/** Extended: of a message that holds several statements none is run. */
const one = (client: pg.PoolClient, text: string): Promise<pg.QueryResult> =>
  client.query({ text, queryMode: 'extended' } as pg.QueryConfig).catch((error: unknown) => {
    throw Object.assign(error as Error, { asked: text });
  });

let prepares = 0;

/**
 * By PREPARE, on servers of every version: EXPLAIN (GENERIC_PLAN), of PostgreSQL 16, takes parameters without values in a simple
 * message alone, which would run several statements.
 */
async function genericPlan(client: pg.PoolClient, statement: Node): Promise<PlanNode> {
  const name = `pgvb_audit_${++prepares}`;
  const sql = sqlOf(statement);
  const parameters = Array.from({ length: parameterCount(statement) }, (_, at) => at + 1);
  // Those that a number was put for would have no type otherwise.
  const types = parameters.map((each) => (new RegExp(`\\$${each}(?!\\d)`).test(sql) ? 'unknown' : 'bigint'));
  const list = (parts: readonly string[]): string => (parts.length === 0 ? '' : `(${parts.join(', ')})`);
  await one(client, `PREPARE ${name}${list(types)} AS ${sql}`);
  try {
    const values = list(parameters.map(() => 'NULL'));
    const found = await one(client, `EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE ${name}${values}`);
    return (found.rows[0] as { 'QUERY PLAN': [{ Plan: PlanNode }] })['QUERY PLAN'][0].Plan;
  } finally {
    // A transaction that fails leaves it behind, with the connection.
    await client.query(`DEALLOCATE ${name}`).catch(() => {});
  }
}
