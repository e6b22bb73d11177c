/** Which database this is: what a copy of it changes, and a restart, a failover or another address does not. */

import type { Queryable } from './pool.ts';

/**
 * System identifier of the cluster and oid of the database. CREATE DATABASE … TEMPLATE and a restored dump have another one; a
 * standby that was promoted has the same. So has a copy of the server's files, which nothing in it tells from the original.
 */
export async function databaseIdentity(db: Queryable): Promise<string> {
  const found = await db.query<{ database: string; allowed: boolean }>(
    `SELECT oid::text AS database, pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS allowed
       FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()`,
  );
  const { database = '', allowed = false } = found.rows[0] ?? {};
  return `${allowed ? await systemIdentifier(db) : ''}/${database}`;
}

async function systemIdentifier(db: Queryable): Promise<string> {
  const found = await db.query<{ id: string }>(
    'SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()',
  );
  return found.rows[0]?.id ?? '';
}
