/** Brings schema `pgvector_backfill` to the version that this code knows, by numbered files, one process at a time. */

import { readdir, readFile } from 'node:fs/promises';
import { GateError } from '../errors.ts';
import { rowSecurityForced } from './event-triggers.ts';
import { keepFromOthers, keepSchemaFromOthers, relationsOf } from './owner-only.ts';
import { assertOwnSchema, foreignParts } from './own-schema.ts';
import type { Pool, Queryable } from './pool.ts';
import { tableOf } from './pool-session.ts';
import { hidesRows } from './row-security.ts';
import { LEDGER_LIMITS, inTransaction } from './transaction.ts';

export const LEDGER_SCHEMA = 'pgvector_backfill';

/** Not before it is asked for: a bundle of CommonJS has no URL of its own. */
const folder = (): URL => new URL('./migrations/', import.meta.url);
/** Any number of our own: transactions that migrate exclude each other by it. */
const MIGRATION_LOCK = 7_164_220_518;

interface Migration {
  version: number;
  name: string;
}

async function listMigrations(): Promise<Migration[]> {
  const files = (await readdir(folder())).filter((file) => file.endsWith('.sql')).sort();
  return files.map((name) => ({ version: Number(name.slice(0, 4)), name }));
}

const MADE = /^(CREATE|DROP) (TABLE|(?:UNIQUE )?INDEX) (?:pgvector_backfill\.)?(\w+)/gm;

/** Tables of the ledger of this release, and indexes besides those of their keys, by their bare names: what the migrations make and leave. */
export async function ledgerRelations(): Promise<{ tables: string[]; indexes: string[] }> {
  const [tables, indexes] = [new Set<string>(), new Set<string>()];
  for (const { name } of await listMigrations())
    for (const [, verb, kind, relation = ''] of (await readFile(new URL(name, folder()), 'utf8')).matchAll(
      MADE,
    )) {
      const made = kind === 'TABLE' ? tables : indexes;
      if (verb === 'CREATE') made.add(relation);
      else made.delete(relation);
    }
  return { tables: [...tables].toSorted(), indexes: [...indexes].toSorted() };
}

/** 0 where the schema does not exist yet. Reads only. @throws GateError where the schema, or anything in it, is somebody else's */
export async function ledgerVersion(db: Queryable, table: string | null = tableOf(db)): Promise<number> {
  await assertOwnSchema(db, LEDGER_SCHEMA, table);
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

export interface LedgerState {
  /** Of the newest step that is done; 0 where there is no ledger. */
  version: number;
  /** By number, not by the newest: a database may have seen a build in which a step with a lower number was still missing. */
  missing: Migration[];
}

/** Reads only. @throws GateError where a newer release has already migrated this database. */
export async function ledgerState(db: Queryable, table: string | null = tableOf(db)): Promise<LedgerState> {
  const migrations = await listMigrations();
  const newest = migrations.at(-1)?.version ?? 0;
  const version = await ledgerVersion(db, table);
  if (version > newest) {
    throw new GateError(`The ledger is at version ${version}, this release knows versions up to ${newest}.`, {
      code: 'LEDGER_NEWER',
      remedy: 'Use the release that wrote it, or a newer one; an older one could damage it.',
    });
  }
  if (version === 0) return { version, missing: migrations };
  const applied = await db.query<{ version: number }>(`SELECT version FROM ${LEDGER_SCHEMA}.migration`);
  const versions = new Set(applied.rows.map((row) => row.version));
  return { version, missing: migrations.filter((each) => !versions.has(each.version)) };
}

/**
 * False where there is no ledger yet. For those who look without changing anything: whoever writes calls `migrate`.
 * @throws GateError where this release wants a newer ledger, or a newer release has been here
 */
export async function ledgerPresent(db: Queryable): Promise<boolean> {
  const { version, missing } = await ledgerState(db);
  if (version === 0) return false;
  if (missing.length === 0) return true;
  throw new GateError(
    `The ledger is of an older release: version ${version}, without ${missing.map(({ name }) => name).join(', ')}.`,
    {
      code: 'LEDGER_OLDER',
      remedy:
        'Start a worker of this release, or run `pgvector-backfill enqueue`: both bring it up to date, in schema pgvector_backfill alone, and the run goes on.',
    },
  );
}

/** All in one transaction: either every missing step is in, or none. Safe to call from many processes at once. */
export async function migrate(pool: Pool): Promise<void> {
  if ((await ledgerState(pool)).missing.length === 0) return;
  await inTransaction(pool, { ...LEDGER_LIMITS, lockTimeoutMs: 60_000 }, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const before = await relationsOf(client, LEDGER_SCHEMA);
    for (const { version, name } of (await ledgerState(client, tableOf(pool))).missing) {
      await client.query(await readFile(new URL(name, folder()), 'utf8'));
      await client.query(`INSERT INTO ${LEDGER_SCHEMA}.migration (version, name) VALUES ($1, $2)`, [
        version,
        name,
      ]);
    }
    // What earlier ones made keeps the grants that somebody may have given on purpose.
    const made = (await relationsOf(client, LEDGER_SCHEMA)).filter((oid) => !before.includes(oid));
    await keepFromOthers(client, made);
    if (before.length === 0) await keepSchemaFromOthers(client, LEDGER_SCHEMA);
    // Somebody may have made the schema between the look and our own try, or have given us a table to move into it.
    const fault = await foreignParts(client, LEDGER_SCHEMA, tableOf(pool));
    if (fault !== null) throw fault;
  }).catch(async (error: unknown) => {
    throw hidesRows(error) ? await rowSecurityForced(pool, error) : error;
  });
}
