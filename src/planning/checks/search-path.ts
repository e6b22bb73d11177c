/** Doctor's look at the operator's path: whoever may create in a schema of it can make a better fitting function of any name. */

import { OPERATOR_SCHEMAS } from '../../db/search-path.ts';
import type { Queryable } from '../../db/pool.ts';
import { trustedSql } from '../../db/trusted-roles.ts';
import type { Finding } from './finding.ts';

/** Roles that a message names. */
const SHOWN = 3;

/** @param oid of the legacy table, whose owner is trusted; null where there is none */
export async function checkSearchPath(db: Queryable, oid: string | null): Promise<Finding[]> {
  const found = await db.query<{ schema: string; roles: string[] }>(
    `SELECT n.nspname::text AS schema, array_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS roles
       FROM (SELECT DISTINCT their.schema FROM ${OPERATOR_SCHEMAS} AS their) path JOIN pg_namespace n ON n.nspname = path.schema
       CROSS JOIN LATERAL (SELECT x.grantee FROM aclexplode(n.nspacl) x WHERE x.privilege_type = 'CREATE' UNION SELECT n.nspowner) a
      WHERE NOT ${trustedSql('a.grantee', '$1::oid')} AND a.grantee <> ALL (ARRAY(SELECT r.oid FROM pg_roles r WHERE r.rolname = 'pg_database_owner'))
      GROUP BY 1 ORDER BY 1`,
    [oid],
  );
  return found.rows.map(({ schema, roles }): Finding => {
    const more = roles.length > SHOWN ? ` and ${roles.length - SHOWN} more` : '';
    const shown = roles.slice(0, SHOWN).join(', ');
    return {
      level: 'warn',
      check: 'search-path',
      message: `${shown}${more} may create in schema ${schema}, which is on the search path: a function of theirs that fits better than the one that is meant is called in its place. Our own SQL looks nothing up there, and text and where are looked up once; legacySearch, search.filters, your application and functions of yours are open to it.`,
      remedy: `REVOKE CREATE ON SCHEMA ${schema} FROM ${shown}; or take the schema off the path and name what is in it with its schema.`,
    };
  });
}
