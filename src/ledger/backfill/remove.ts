/** A backfill, or all of the ledger, is taken away. */

import { backfillOf } from '../../config/values/generation-name.ts';
import { quoteName } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import { sharedName } from '../changes/shared-changes.ts';
import type { Queryable } from '../../db/pool.ts';

/** Backfills of this database besides this one; its own generations are none. */
export async function otherBackfills(db: Queryable, backfill: string): Promise<string[]> {
  const others = (await namesInLedger(db)).map(backfillOf).filter((name) => name !== backfillOf(backfill));
  return [...new Set(others)];
}

async function namesInLedger(db: Queryable): Promise<string[]> {
  const found = await db.query<{ name: string }>(`SELECT name FROM ${LEDGER_SCHEMA}.backfill ORDER BY 1`);
  return found.rows.map(({ name }) => name);
}

/** For the rest of the transaction: another backfill that is being enqueued just now is seen, or waits. */
export async function lockBackfills(db: Queryable): Promise<void> {
  await db.query(`LOCK TABLE ${LEDGER_SCHEMA}.backfill IN EXCLUSIVE MODE`);
}

/** All its generations, with all that the ledger has of them but their events. */
export async function removeBackfill(db: Queryable, backfill: string): Promise<void> {
  const names = (await namesInLedger(db)).filter((name) => backfillOf(name) === backfillOf(backfill));
  for (const table of await tablesOfBackfills(db))
    await removeRows(db, table, [...names, sharedName(backfill)]);
  await db.query(`DELETE FROM ${LEDGER_SCHEMA}.backfill WHERE name = ANY ($1)`, [names]);
}

/** What stays when a generation goes: what is the whole backfill's, whoever does this, and workers that are there now. */
const STAYS = ['read_mode', 'judgement', 'turn', 'worker'];

/**
 * A generation without storage: of what the ledger has of it, its row stays, for its number, and its events. No column is known
 * to be ours any more, so that nobody else's of that name is taken for one.
 */
export async function dropFromLedger(db: Queryable, name: string): Promise<void> {
  for (const table of await tablesOfBackfills(db))
    if (!STAYS.includes(table)) await removeRows(db, table, [name]);
  await db.query(
    `UPDATE ${LEDGER_SCHEMA}.backfill SET dropped_at = coalesce(dropped_at, clock_timestamp()), added_columns = '{}', updated_at = clock_timestamp()
      WHERE name = $1`,
    [name],
  );
}

async function removeRows(db: Queryable, table: string, names: readonly string[]): Promise<void> {
  await db.query(`DELETE FROM ${LEDGER_SCHEMA}.${quoteName(table)} WHERE backfill = ANY ($1)`, [names]);
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
