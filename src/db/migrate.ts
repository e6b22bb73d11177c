/** Brings schema `pgvector_backfill` to the version that this code knows, by numbered files, one process at a time. */

import { readdir, readFile } from 'node:fs/promises';
import { GateError } from '../errors.ts';
import type { Pool, Queryable } from './pool.ts';
import { LEDGER_LIMITS, inTransaction } from './transaction.ts';

export const LEDGER_SCHEMA = 'pgvector_backfill';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any number of our own: transactions that migrate exclude each other by it. */
const MIGRATION_LOCK = 7_164_220_518;

interface Migration {
  version: number;
  name: string;
}

async function listMigrations(): Promise<Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort();
  return files.map((name) => ({ version: Number(name.slice(0, 4)), name }));
}

/** 0 where the schema does not exist yet. Reads only. */
export async function ledgerVersion(db: Queryable): Promise<number> {
  // From the catalog's tables, not by to_regclass: that one answers from a cache, which in a transaction that has waited
  // for the lock may still say that there is no such schema.
  const present = await db.query<{ present: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = '${LEDGER_SCHEMA}' AND c.relname = 'migration') AS present`,
  );
  if (present.rows[0]?.present !== true) return 0;
  const version = await db.query<{ version: number }>(
    `SELECT coalesce(max(version), 0)::int AS version FROM ${LEDGER_SCHEMA}.migration`,
  );
  return version.rows[0]?.version ?? 0;
}

/** @throws GateError where a newer release has already migrated this database. */
export async function assertLedgerKnown(db: Queryable): Promise<number> {
  const newest = (await listMigrations()).at(-1)?.version ?? 0;
  const version = await ledgerVersion(db);
  if (version > newest) {
    throw new GateError(`The ledger is at version ${version}, this release knows versions up to ${newest}.`, {
      code: 'LEDGER_NEWER',
      remedy: 'Use the release that wrote it, or a newer one; an older one could damage it.',
    });
  }
  return version;
}

/** By number, not by the newest: a database may have seen a build in which a step with a lower number was still missing. */
async function missingMigrations(db: Queryable): Promise<Migration[]> {
  const migrations = await listMigrations();
  if ((await assertLedgerKnown(db)) === 0) return migrations;
  const applied = await db.query<{ version: number }>(`SELECT version FROM ${LEDGER_SCHEMA}.migration`);
  const versions = new Set(applied.rows.map((row) => row.version));
  return migrations.filter(({ version }) => !versions.has(version));
}

/** All in one transaction: either every missing step is in, or none. Safe to call from many processes at once. */
export async function migrate(pool: Pool): Promise<void> {
  if ((await missingMigrations(pool)).length === 0) return;
  await inTransaction(pool, { ...LEDGER_LIMITS, lockTimeoutMs: 60_000 }, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    for (const { version, name } of await missingMigrations(client)) {
      await client.query(await readFile(new URL(name, FOLDER), 'utf8'));
      await client.query(`INSERT INTO ${LEDGER_SCHEMA}.migration (version, name) VALUES ($1, $2)`, [
        version,
        name,
      ]);
    }
  });
}
