/** Whether all of the ledger is there that its migrations have made: a dump that was restored in part leaves some of it out. */

import { LEDGER_SCHEMA, ledgerRelations, ledgerState } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Finding } from '../checks/finding.ts';

/** Parts that a message names. */
const SHOWN = 4;

const listed = (names: readonly string[]): string =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`;

/** Null where there is no ledger, all of it, or one of another release. Reads catalogs, and which migrations were done. */
export async function missingLedgerParts(db: Queryable): Promise<Finding | null> {
  const schema = await db.query<{ present: boolean; tables: string[] }>(
    `SELECT to_regnamespace($1) IS NOT NULL AS present,
            ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r') AS tables`,
    [LEDGER_SCHEMA],
  );
  const { present = false, tables = [] } = schema.rows[0] ?? {};
  const wanted = await ledgerRelations();
  // Made beforehand, for a role that may not.
  if (!present || !tables.some((each) => wanted.tables.includes(each))) return null;
  if (tables.includes('migration')) {
    const { version, missing } = await ledgerState(db);
    if (version > 0 && missing.length > 0) return null;
  }
  const found = await db.query<{ indexes: string[]; keyless: string[] }>(
    `SELECT ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relnamespace = to_regnamespace($1) AND i.indisvalid) AS indexes,
            ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r' AND c.relname = ANY ($2)
                     AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid) ORDER BY 1) AS keyless`,
    [LEDGER_SCHEMA, wanted.tables],
  );
  const { indexes = [], keyless = [] } = found.rows[0] ?? {};
  const without = (all: readonly string[], there: readonly string[]): string[] =>
    all.filter((each) => !there.includes(each));
  const lost = [
    ['table', without(wanted.tables, tables)],
    ['primary key of', keyless],
    ['index', without(wanted.indexes, indexes)],
  ] as const;
  const parts = lost
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${listed(names)}`);
  if (parts.length === 0) return null;
  return {
    level: 'error',
    check: 'ledger-parts',
    message: `Schema ${LEDGER_SCHEMA} is there in part, as a dump that was restored in part leaves it; missing: ${parts.join('; ')}.`,
    remedy: `DROP SCHEMA ${LEDGER_SCHEMA} CASCADE; then restore all of it: pg_restore --schema=${LEDGER_SCHEMA} --dbname=… DUMP. Where no dump has it, drop it all the same: \`pgvector-backfill enqueue --adopt\` takes over the vectors that are there.`,
  };
}
