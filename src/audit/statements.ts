/** What `pg_stat_statements` has of this database's statements that compare vectors. */

import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { DISTANCE_FUNCTIONS, DISTANCE_OPERATORS } from './sql/distance.ts';

export interface Statement {
  /** `queryid`. */
  id: string;
  /** As the extension keeps it: `$n` in place of constants. */
  text: string;
  /** That has run it most often, as name and as oid; null of one that was dropped. */
  role: string | null;
  roleId: string;
  calls: number;
  /** Of all its calls. */
  rows: number;
  totalMs: number;
}

export type Source =
  /** `preload`: shared_preload_libraries as it is; null where this role may not see it. */
  | { state: 'missing'; isPreloaded: boolean; preload: string | null }
  | { state: 'not-loaded'; preload: string | null }
  /** This role may not use the extension's schema, or not read its view. */
  | { state: 'forbidden'; schema: string; role: string }
  | {
      state: 'present';
      statements: Statement[];
      /** Statements of others, whose text this role may not see. */
      hidden: number;
      /** Since when it counts; null where the server does not tell. */
      since: string | null;
      /** How often the least used were dropped for want of room. */
      dropped: number;
      /** Whether statements inside functions are counted. */
      tracksNested: boolean;
    };

/** Of statements that are looked at, by the time that they took. */
const MAX_STATEMENTS = 200;
/** A text that is longer is generated, and nobody reads it. */
const MAX_LENGTH = 20_000;

const escaped = (operator: string): string => operator.replaceAll('+', '\\+');
const PATTERN = [...DISTANCE_OPERATORS.map(escaped), ...Object.keys(DISTANCE_FUNCTIONS)].join('|');

interface View {
  schema: string;
  columns: string[];
  hasInfo: boolean;
}

interface Facts {
  preload: string | null;
  isPreloaded: boolean;
  role: string;
  view: View | null;
}

/** @param names of views over the vectors, by which a statement may ask without an operator of its own */
export async function readStatements(db: Queryable, names: readonly string[]): Promise<Source> {
  const found = await db.query<Facts>(
    // Roles without pg_read_all_settings do not see the one, and the other is known to a server that has loaded the library.
    `SELECT quote_ident(current_user) AS role, (SELECT s.setting FROM pg_settings s WHERE s.name = 'shared_preload_libraries') AS preload,
            current_setting('pg_stat_statements.max', true) IS NOT NULL AS "isPreloaded",
            (SELECT jsonb_build_object('schema', n.nspname, 'hasInfo', EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements_info'),
                      'columns', (SELECT jsonb_agg(a.attname) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                                   WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements' AND a.attnum > 0))
               FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements') AS view`,
  );
  const { preload = null, role = '', view = null, isPreloaded = false } = found.rows[0] ?? {};
  if (view === null) return { state: 'missing', preload, isPreloaded };
  try {
    return await read(db, view, names);
  } catch (error) {
    // "must be loaded via shared_preload_libraries"
    if (hasSqlState(error, SQLSTATE.notInPrerequisiteState)) return { state: 'not-loaded', preload };
    if (hasSqlState(error, SQLSTATE.privilege))
      return { state: 'forbidden', schema: quoteName(view.schema), role };
    throw error;
  }
}

async function read(db: Queryable, view: View, names: readonly string[]): Promise<Source> {
  const from = `${quoteName(view.schema)}.pg_stat_statements`;
  // Before 1.8, which comes with PostgreSQL 13, planning was not told apart.
  const time = view.columns.includes('total_exec_time') ? 'total_exec_time' : 'total_time';
  const here = `s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())`;
  const found = await db.query<Statement>(
    `SELECT s.queryid::text AS id, s.query AS text, r.rolname::text AS role, s.userid::text AS "roleId", s.calls::float8 AS calls,
            s.rows::float8 AS rows, s.${time}::float8 AS "totalMs"
       FROM ${from} s LEFT JOIN pg_roles r ON r.oid = s.userid
      WHERE ${here} AND s.calls > 0 AND length(s.query) <= $3 AND (s.query ~ $1 OR EXISTS (SELECT 1 FROM unnest($2::text[]) n WHERE strpos(lower(s.query), lower(n)) > 0))
      ORDER BY s.${time} DESC LIMIT $4`,
    [PATTERN, names, MAX_LENGTH, MAX_STATEMENTS],
  );
  const more = await db.query<{ hidden: number; tracksNested: boolean }>(
    `SELECT count(*) FILTER (WHERE s.query = '<insufficient privilege>')::int AS hidden,
            coalesce(current_setting('pg_stat_statements.track', true), '') = 'all' AS "tracksNested"
       FROM ${from} s WHERE ${here}`,
  );
  const info = view.hasInfo
    ? await db.query<{ since: string; dropped: number }>(
        `SELECT to_char(i.stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since, i.dealloc::float8 AS dropped FROM ${quoteName(view.schema)}.pg_stat_statements_info i`,
      )
    : { rows: [] };
  const { since = null, dropped = 0 } = info.rows[0] ?? {};
  const { hidden = 0, tracksNested = false } = more.rows[0] ?? {};
  return { state: 'present', statements: summed(found.rows), hidden, since, dropped, tracksNested };
}

/** One for all roles, and for those inside functions too. */
function summed(rows: readonly Statement[]): Statement[] {
  const byId = new Map<string, Statement[]>();
  for (const row of rows) byId.set(row.id, [...(byId.get(row.id) ?? []), row]);
  return [...byId.values()].map((same) => {
    const sum = (field: 'calls' | 'rows' | 'totalMs'): number =>
      same.reduce((total, each) => total + each[field], 0);
    const most = same.reduce((a, b) => (b.calls > a.calls ? b : a));
    return { ...most, calls: sum('calls'), rows: sum('rows'), totalMs: sum('totalMs') };
  });
}
