/** A schema for tables of ours, as an administrator has to make it for a role that may not. */

import { foreignParts } from './own-schema.ts';
import { currentRole, notOwned, ownerStatements } from './rights-of-owner.ts';
import type { Queryable } from './pool.ts';

export interface SchemaGrants {
  statements: string[];
  /** What stands there is somebody else's, and no grant makes it ours; null where it is not. */
  fault: { message: string; remedy: string } | null;
}

/**
 * The role owns what it makes, and the schema itself: so nobody else may add to it, and the way back takes it away whole. One
 * that is there and belongs to a trusted role (trusted-roles.ts) is as good with the right to use it and to create in it.
 * @param table quoted, of the legacy table; null where it is not known
 */
export async function schemaGrants(
  db: Queryable,
  schema: string,
  table: string | null,
): Promise<SchemaGrants> {
  const role = await currentRole(db);
  const foreign = await foreignParts(db, schema, table);
  if (foreign !== null)
    return { statements: [], fault: { message: foreign.message, remedy: foreign.remedy ?? '' } };
  const found = await db.query<{ present: boolean; name: string; allowed: boolean; lacking: string[] }>(
    `SELECT n.oid IS NOT NULL AS present, pg_catalog.quote_ident($1) AS name,
            pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS allowed,
            ARRAY(SELECT w.name FROM pg_catalog.unnest(ARRAY['USAGE', 'CREATE']) AS w (name) WHERE NOT pg_catalog.has_schema_privilege(n.oid, w.name)) AS lacking
       FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1::pg_catalog.name`,
    [schema],
  );
  const { present = false, name = schema, allowed = false, lacking = [] } = found.rows[0] ?? {};
  if (!present)
    return { statements: allowed ? [] : [`CREATE SCHEMA ${name} AUTHORIZATION ${role.name}`], fault: null };
  const owned = await notOwned(db, 'n.nspname = $1', [schema], 'n.nspname = $1');
  const granted =
    lacking.length === 0 ? [] : [`GRANT ${lacking.join(', ')} ON SCHEMA ${name} TO ${role.name}`];
  return { statements: [...granted, ...ownerStatements(role, owned)], fault: null };
}
