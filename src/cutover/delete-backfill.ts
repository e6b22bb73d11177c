/** The backfill leaves the ledger; with the last one the ledger itself leaves the database. */

import { LEDGER_SCHEMA } from '../db/migrate.ts';
import { quoteName } from '../db/identifiers.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { currentUser } from './current-user.ts';

/** Backfills of this database besides this one. */
export async function otherBackfills(db: Queryable, backfill: string): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT name FROM ${LEDGER_SCHEMA}.backfill WHERE name <> $1 ORDER BY 1`,
    [backfill],
  );
  return found.rows.map((row) => row.name);
}

/** In one transaction, as what was added to the table is known from these rows: they go last, and all at once. */
export async function deleteBackfill(pool: Pool, backfill: string, reason: string): Promise<void> {
  await inTransaction(pool, LEDGER_LIMITS, async (client) => {
    // Another backfill that is being enqueued just now is seen, or waits.
    await client.query(`LOCK TABLE ${LEDGER_SCHEMA}.backfill IN EXCLUSIVE MODE`);
    if ((await otherBackfills(client, backfill)).length === 0) {
      await dropSchema(client);
      return;
    }
    for (const table of await tablesOfBackfills(client))
      await client.query(`DELETE FROM ${LEDGER_SCHEMA}.${quoteName(table)} WHERE backfill = $1`, [backfill]);
    await client.query(`DELETE FROM ${LEDGER_SCHEMA}.backfill WHERE name = $1`, [backfill]);
    await recordEvent(client, {
      backfill,
      run: null,
      level: 'info',
      kind: 'backfill.removed',
      message: `taken out of the database${reason === '' ? '' : `: ${reason}`}`,
      detail: { by: await currentUser(client), reason },
    });
  });
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

/** Without CASCADE: whatever somebody else has put there, or has built on it, is not ours to take along. */
async function dropSchema(db: Queryable): Promise<void> {
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
  await db.query(`DROP SCHEMA ${LEDGER_SCHEMA}`);
}
