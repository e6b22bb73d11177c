/** The collation of the database by another library than its indexes of text were built with: an upgrade of the system, or a copy of the files on another one. */

import { quoteName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Finding } from '../checks/finding.ts';

/** Of the key's index, `key` tells, and blocks. */
export async function checkDatabaseCollation(db: Queryable): Promise<Finding[]> {
  const server = await db.query<{ knows: boolean }>(
    `SELECT to_regprocedure('pg_catalog.pg_database_collation_actual_version(oid)') IS NOT NULL AS knows`,
  );
  // PostgreSQL keeps it since 15.
  if (server.rows[0]?.knows !== true) return [];
  const found = await db.query<{ name: string; before: string; now: string }>(
    `SELECT d.datname::text AS name, d.datcollversion AS before, pg_database_collation_actual_version(d.oid) AS now
       FROM pg_database d WHERE d.datname = current_database() AND d.datcollversion <> pg_database_collation_actual_version(d.oid)`,
  );
  return found.rows.map(({ name, before, now }) => ({
    level: 'warn',
    check: 'collation',
    message: `The collation of database ${name} is of version ${before}, and the server has version ${now}: indexes of text may be in another order than the server's, the ledger's too.`,
    remedy: `REINDEX DATABASE CONCURRENTLY ${quoteName(name)}; then ALTER DATABASE ${quoteName(name)} REFRESH COLLATION VERSION;`,
  }));
}
