/** What SQL of the operator's means that another role has made, or could change: its code would run with our rights. */

import type { Queryable } from '../db/pool.ts';
import { trustedSql } from '../db/trusted-roles.ts';
import { ConfigError } from '../errors.ts';

export interface UntrustedObject {
  what: string;
  owner: string;
}

/**
 * The first of them, on our own path.
 * @param dependent SQL condition of the rows `d` of pg_depend @param oid of the legacy table, whose owner is trusted
 */
export async function untrustedObjects(
  db: Queryable,
  dependent: string,
  oid: string,
): Promise<UntrustedObject[]> {
  const found = await db.query<UntrustedObject>(
    `SELECT named.what, pg_get_userbyid(named.owner)::text AS owner FROM pg_depend d CROSS JOIN LATERAL (
       SELECT 'function ' || p.oid::regprocedure::text, p.proowner FROM pg_proc p WHERE d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
       UNION ALL SELECT 'operator ' || o.oid::regoperator::text, p.proowner FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
         WHERE d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
       UNION ALL SELECT 'type ' || t.oid::regtype::text, t.typowner FROM pg_type t WHERE d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid AND t.typtype = 'd'
       UNION ALL SELECT 'view ' || c.oid::regclass::text, c.relowner FROM pg_class c WHERE d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid AND c.relkind IN ('v', 'f')) AS named (what, owner)
      WHERE ${dependent} AND NOT ${trustedSql('named.owner', '$1::oid')} ORDER BY 1 LIMIT 1`,
    [oid],
  );
  return found.rows;
}

export const untrustedCode = (option: string, { what, owner }: UntrustedObject): ConfigError =>
  new ConfigError(
    `Option ${option} means ${what}, which belongs to role ${owner}: its code would run with the rights of this role.`,
    {
      code: 'EXPRESSION_FOREIGN',
      remedy: `Write the name with the schema that is meant, such as pg_catalog, or have ${what} dropped or given to a role that you trust; and REVOKE CREATE on the schema from ${owner}.`,
    },
  );
