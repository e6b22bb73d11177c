/** A backfill, or all of the ledger, is taken away. */

import { quoteName } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';

/** Backfills of this database besides this one. */
export async function otherBackfills(db: Queryable, backfill: string): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT name FROM ${LEDGER_SCHEMA}.backfill WHERE name <> $1 ORDER BY 1`,
    [backfill],
  );
  return found.rows.map((row) => row.name);
}

/** For the rest of the transaction: another backfill that is being enqueued just now is seen, or waits. */
export async function lockBackfills(db: Queryable): Promise<void> {
  await db.query(`LOCK TABLE ${LEDGER_SCHEMA}.backfill IN EXCLUSIVE MODE`);
}

/** With all that the ledger has of it but its events. */
export async function removeBackfill(db: Queryable, backfill: string): Promise<void> {
  for (const table of await tablesOfBackfills(db))
    await db.query(`DELETE FROM ${LEDGER_SCHEMA}.${quoteName(table)} WHERE backfill = $1`, [backfill]);
  await db.query(`DELETE FROM ${LEDGER_SCHEMA}.backfill WHERE name = $1`, [backfill]);
}

/** Runs last: nothing else refers to a backfill by way of another table. */
async function tablesOfBackfills(db: Queryable): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'backfill'
      WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped AND c.relname <> 'event'
      ORDER BY c.relname = 'run', 1`,
    [LEDGER_SCHEMA],
  );
  return found.rows.map((row) => row.name);
}

/**
 * Whether the schema goes with what is in it. One that this role could not make again is an administrator's, made beforehand:
 * the next `enqueue` would be without it.
 */
export async function takesSchemaAlong(db: Queryable): Promise<boolean> {
  const found = await db.query<{ along: boolean }>(
    `SELECT has_database_privilege(current_database(), 'CREATE') AND pg_has_role(n.nspowner, 'USAGE') AS along FROM pg_namespace n WHERE n.nspname = $1`,
    [LEDGER_SCHEMA],
  );
  return found.rows[0]?.along === true;
}

/** Without CASCADE: whatever somebody else has put there, or has built on it, is not ours to take along. */
export async function dropLedger(db: Queryable): Promise<void> {
  const functions = await db.query<{ name: string }>(
    `SELECT p.oid::regprocedure::text AS name FROM pg_proc p WHERE p.pronamespace = $1::regnamespace`,
    [LEDGER_SCHEMA],
  );
  for (const { name } of functions.rows) await db.query(`DROP FUNCTION ${name}`);
  const tables = await db.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'`,
    [LEDGER_SCHEMA],
  );
  if (tables.rows.length > 0) await db.query(`DROP TABLE ${tables.rows.map((row) => row.name).join(', ')}`);
  if (await takesSchemaAlong(db)) await db.query(`DROP SCHEMA ${LEDGER_SCHEMA}`);
}
