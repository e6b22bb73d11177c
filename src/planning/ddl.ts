/** What is added to the operator's database, as SQL text that --dry-run prints and `enqueue` runs. */

import { quoteName } from '../db/identifiers.ts';
import { rowSecurityForced } from '../db/event-triggers.ts';
import { keepFromOthers } from '../db/owner-only.ts';
import { OPERATOR_SCHEMAS } from '../db/search-path.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { DDL_LIMITS, inTransaction } from '../db/transaction.ts';
import { keyRefs } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';
import { findVectorExtension } from '../table/vector-extension.ts';
import { missingTableBeside } from './beside-ddl.ts';

export interface Statement {
  sql: string;
  /** True where it locks the legacy table (for a moment: adding a column without default rewrites nothing). */
  locksTable: boolean;
  /** Columns that it adds to the legacy table. */
  adds?: string[];
  /** Quoted name of a table that it makes, on which nobody else has any right then. */
  makes?: string;
  /** What follows in the same transaction. */
  behind?: string[];
}

/** Of the staging table: the vector is of the text's beginning only. */
const TRUNCATED = 'truncated boolean NOT NULL DEFAULT false';
/** The vector was there before, and was taken over. */
const ADOPTED = 'adopted boolean NOT NULL DEFAULT false';

/** Races for an object that may be lost, to enqueues of other backfills. */
const MAX_LOST = 5;

/** Statements still missing; empty where everything is in place. Reads only. */
export async function missingDdl(db: Queryable, target: Target, dimensions: number): Promise<Statement[]> {
  const statements: Statement[] = [];
  const extension = await findVectorExtension(db);
  let { prefix } = extension;
  if (extension.version === null) {
    const schema = quoteName(target.vectorSchema ?? (await defaultSchema(db, target)));
    statements.push({ sql: `CREATE EXTENSION IF NOT EXISTS vector SCHEMA ${schema}`, locksTable: false });
    prefix = `${schema}.`;
  }
  if (target.store.kind === 'table') {
    const beside = await missingTableBeside(db, target, dimensions, prefix);
    if (beside !== null)
      statements.push({
        sql: beside.first,
        locksTable: false,
        ...(beside.isNew ? { makes: target.store.table } : {}),
        behind: beside.open,
      });
  } else statements.push(...(await missingColumns(db, target, dimensions, prefix)));
  const stage = await db.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS present', [
    target.stage,
  ]);
  if (stage.rows[0]?.present !== true) {
    statements.push({
      sql: `CREATE TABLE IF NOT EXISTS ${target.stage} (${stageColumnsSql(target)}, embedding ${prefix}vector(${dimensions}) NOT NULL, text_hash bytea NOT NULL, batch integer NOT NULL, staged_at timestamptz NOT NULL DEFAULT now(), ${TRUNCATED}, ${ADOPTED})`,
      locksTable: false,
      makes: target.stage,
    });
  } else {
    for (const [name, definition] of [
      ['truncated', TRUNCATED],
      ['adopted', ADOPTED],
    ] as const)
      if (!(await hasColumn(db, target.stage, name)))
        statements.push({
          sql: `ALTER TABLE ${target.stage} ADD COLUMN IF NOT EXISTS ${definition}`,
          locksTable: false,
        });
  }
  return statements;
}

/** As they are printed. */
export const inWords = ({ sql, behind = [] }: Statement): string[] => [sql, ...behind];

async function missingColumns(
  db: Queryable,
  target: Target,
  dimensions: number,
  prefix: string,
): Promise<Statement[]> {
  const columns = await db.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attname = ANY ($2) AND NOT attisdropped`,
    [target.table, [target.column, target.updatedAtColumn]],
  );
  const present = new Set(columns.rows.map((row) => row.name));
  const additions = [
    [target.column, `${prefix}${target.columnType}(${dimensions})`],
    [target.updatedAtColumn, 'timestamptz'],
  ].filter(([name]) => name !== undefined && !present.has(name));
  if (additions.length === 0) return [];
  const list = additions
    .map(([name = '', type = '']) => `ADD COLUMN IF NOT EXISTS ${quoteName(name)} ${type}`)
    .join(', ');
  const adds = additions.map(([name = '']) => name);
  return [{ sql: `ALTER TABLE ${target.table} ${list}`, locksTable: true, adds }];
}

/** Where the extension would go by itself; the table's own where the search path names none that this role may create in. */
async function defaultSchema(db: Queryable, target: Target): Promise<string> {
  const found = await db.query<{ schema: string }>(
    `SELECT path.schema FROM (SELECT schema, place FROM ${OPERATOR_SCHEMAS} AS their UNION ALL SELECT 'public', NULL::bigint) AS path
      WHERE path.schema <> 'pg_catalog' AND to_regnamespace(quote_ident(path.schema)) IS NOT NULL
        AND has_schema_privilege(quote_ident(path.schema)::regnamespace, 'CREATE') ORDER BY path.place LIMIT 1`,
  );
  return found.rows[0]?.schema ?? target.schema;
}

async function oidOf(db: Queryable, table: string): Promise<string[]> {
  const found = await db.query<{ oid: string | null }>('SELECT to_regclass($1)::oid::text AS oid', [table]);
  return found.rows.flatMap(({ oid }) => oid ?? []);
}

async function hasColumn(db: Queryable, table: string, column: string): Promise<boolean> {
  const found = await db.query<{ present: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2 AND NOT attisdropped) AS present`,
    [table, column],
  );
  return found.rows[0]?.present === true;
}

async function hidesOurRows(db: Queryable, stage: string): Promise<boolean> {
  const found = await db.query<{ hides: boolean }>(
    'SELECT pg_catalog.row_security_active(pg_catalog.to_regclass($1)) AS hides',
    [stage],
  );
  return found.rows[0]?.hides === true;
}

/** What is known to be ours only by these notes. */
export interface Notes {
  columns?: (db: Queryable, columns: readonly string[]) => Promise<void>;
  /** @param table quoted */
  table?: (db: Queryable, table: string) => Promise<void>;
}

/**
 * Each statement in a transaction of its own under a short lock timeout: it gives way to the application and comes back.
 * `note` keeps what is added to the legacy table and beside it, in the transaction that adds it: what is not known to be ours stays for ever.
 */
export async function applyDdl(
  pool: Pool,
  target: Target,
  dimensions: number,
  note: Notes = {},
): Promise<string[]> {
  const done: string[] = [];
  let lost = 0;
  // The type's schema is known only once the extension exists, so the list is made again after each step.
  for (
    let [next] = await missingDdl(pool, target, dimensions);
    next !== undefined;
    [next] = await missingDdl(pool, target, dimensions)
  ) {
    const { sql, adds = [], makes = null, behind = [] } = next;
    const statements = inWords(next);
    const isBeside = makes !== null && makes !== target.stage;
    await inTransaction(pool, DDL_LIMITS, async (client) => {
      if (adds.length > 0) await note.columns?.(client, adds);
      await client.query(sql);
      if (makes !== null) await keepFromOthers(client, await oidOf(client, makes));
      for (const more of behind) await client.query(more);
      if (isBeside) await note.table?.(client, makes);
      // COPY into a table under row-level security is refused, and what is read of it is a part.
      if (makes !== null && (await hidesOurRows(client, makes))) throw await rowSecurityForced(client);
    }).then(
      () => done.push(...statements),
      (error: unknown) => {
        // IF NOT EXISTS does not see what another enqueue is just making: it is looked at again.
        if (!hasSqlState(error, SQLSTATE.uniqueViolation) || ++lost > MAX_LOST) throw error;
      },
    );
  }
  return done;
}

/** The key's columns under their own names, of the types and collations that the index of the legacy table has them in. */
function stageColumnsSql(target: Target): string {
  const names = keyRefs(target);
  const columns = target.key.map(({ type, collate }, at) => `${names[at]} ${type}${collate}`);
  if (names.length === 1 && target.store.kind === 'column') return `${columns.join('')} PRIMARY KEY`;
  const passage =
    target.store.kind === 'column'
      ? { columns: [], key: names }
      : {
          columns: [
            ...['chunk', 'chunk_start', 'chunk_end'].map((name) => `${name} integer NOT NULL`),
            'chunk_hash bytea',
          ],
          key: [...names, 'chunk'],
        };
  const all = [...columns.map((column) => `${column} NOT NULL`), ...passage.columns];
  return `${all.join(', ')}, PRIMARY KEY (${passage.key.join(', ')})`;
}
