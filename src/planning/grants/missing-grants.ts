/** All that this role lacks for a whole run and its way back, as SQL for an administrator. Reads catalogs only, and runs nothing. */

import type { Settings } from '../../config/settings.ts';
import { quoteQualified } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { currentRole, type Role } from '../../db/rights-of-owner.ts';
import { schemaGrants } from '../../db/schema-grants.ts';
import { messageOf } from '../../errors.ts';
import { isPostgres } from '../../queue/address.ts';
import { queueGrants } from '../../queue/postgres/queue-grants.ts';
import { extensionGrants } from './extension-grants.ts';
import { needed, type Grant, type Grants } from './grant.ts';
import { findGrantedTable, tableGrants } from './table-grants.ts';

export interface MissingGrants extends Grants {
  /** Quoted. */
  role: string;
}

/** @throws ConfigError where the table is not there, or is no table */
export async function missingGrants(db: Queryable, settings: Settings): Promise<MissingGrants> {
  const table = await findGrantedTable(db, settings);
  const role = await currentRole(db);
  if (role.superuser) return { role: role.name, ...(await ofQueue(settings)) };
  const extension = await extensionGrants(db, role, table, settings.vectorSchema);
  const ledger = await schemaGrants(db, LEDGER_SCHEMA, quoteQualified(table));
  const queue = await ofQueue(settings);
  const grants = [
    ...extension.grants,
    ...(await tableGrants(db, role, table, settings)),
    ...needed('ledger and staging table have a schema of their own', ledger.statements),
    ...(await databaseGrants(db, role, settings)),
    ...queue.grants,
  ];
  const notes = ledger.fault === null ? [] : [`${ledger.fault.message} ${ledger.fault.remedy}`];
  return { role: role.name, grants, notes: [...extension.notes, ...notes, ...queue.notes] };
}

/** Of the server and the database as a whole. */
async function databaseGrants(
  db: Queryable,
  role: Role,
  { text, where, search }: Settings,
): Promise<Grant[]> {
  const found = await db.query<{ database: string; temporary: boolean; monitors: boolean }>(
    `SELECT quote_ident(current_database()) AS database, has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
            pg_has_role('pg_monitor', 'USAGE') AS monitors`,
  );
  const { database = '', temporary = true, monitors = true } = found.rows[0] ?? {};
  const isExpression = !Array.isArray(text) || where !== undefined || search.tsvector !== undefined;
  return [
    ...(temporary
      ? []
      : [
          {
            sql: `GRANT TEMPORARY ON DATABASE ${database} TO ${role.name}`,
            reason: isExpression
              ? 'names in the SQL of text and where are looked up by a temporary view'
              : 'the time of the index build is forecast by a small one on a temporary table',
            where: 'database' as const,
            optional: !isExpression,
          },
        ]),
    ...(monitors
      ? []
      : [
          {
            sql: `GRANT pg_monitor TO ${role.name}`,
            reason: 'workers see all signs of trouble of the server, which they give way to',
            where: 'database' as const,
            optional: true,
          },
        ]),
  ];
}

async function ofQueue({ queue }: Settings): Promise<Grants> {
  if (!isPostgres(queue)) return { grants: [], notes: [] };
  try {
    const { statements, fault } = await queueGrants(queue);
    return {
      grants: needed('the queue has a schema of its own', statements).map((each) => ({
        ...each,
        where: 'queue',
      })),
      notes: fault === null ? [] : [`${fault.message} ${fault.remedy}`],
    };
  } catch (error) {
    return {
      grants: [],
      notes: [`What the queue's user may do could not be looked up: ${messageOf(error)}.`],
    };
  }
}
