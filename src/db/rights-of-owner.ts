/** How this role gets the rights of who owns something, as SQL that an administrator runs. */

import { quoteName } from './identifiers.ts';
import type { Queryable } from './pool.ts';

/** Something that this role would have to own, and does not. */
export interface Owned {
  kind: 'TABLE' | 'FUNCTION';
  /** Quoted, with its schema. */
  name: string;
  /** Unquoted. */
  owner: string;
  /** Membership would give away a superuser's rights, or go in a circle. */
  isUnfit: boolean;
  /** It is there and this role does not inherit by it. */
  isMember: boolean;
}

export interface Role {
  /** Quoted. */
  name: string;
  inherits: boolean;
  superuser: boolean;
  /** GRANT … WITH INHERIT, since PostgreSQL 16. */
  grantsInherit: boolean;
}

export async function currentRole(db: Queryable): Promise<Role> {
  const found = await db.query<Role>(
    `SELECT pg_catalog.quote_ident(r.rolname) AS name, r.rolinherit AS inherits, r.rolsuper AS superuser,
            pg_catalog.current_setting('server_version_num')::int >= 160000 AS "grantsInherit"
       FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER`,
  );
  return found.rows[0] ?? { name: 'CURRENT_USER', inherits: true, superuser: false, grantsInherit: false };
}

/**
 * Relations and functions of those conditions that belong to roles whose rights this one has not.
 * @param relations SQL condition on `c` of pg_class and `n` of pg_namespace @param functions the same on `p` of pg_proc; none where absent
 */
export async function notOwned(
  db: Queryable,
  relations: string,
  values: unknown[],
  functions?: string,
): Promise<Owned[]> {
  const ofFunctions =
    functions === undefined
      ? ''
      : `UNION ALL SELECT 'FUNCTION', pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)), p.proowner FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE ${functions}`;
  const found = await db.query<Owned>(
    `SELECT o.kind, o.name, r.rolname::text AS owner, r.rolsuper OR pg_catalog.pg_has_role(r.oid, me.oid, 'MEMBER') AS "isUnfit",
            pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER') AS "isMember"
       FROM (SELECT 'TABLE' AS kind, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relowner AS owner
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND (${relations})
             ${ofFunctions}) o
       JOIN pg_catalog.pg_roles r ON r.oid = o.owner JOIN pg_catalog.pg_roles me ON me.rolname = CURRENT_USER
      WHERE NOT pg_catalog.pg_has_role(me.oid, r.oid, 'USAGE') ORDER BY 3, 1 DESC, 2`,
    values,
  );
  return found.rows;
}

/** Membership in each owner; an object itself where its owner's rights are more than anybody should get. */
export function ownerStatements(role: Role, owned: readonly Owned[]): string[] {
  const owners = new Map(owned.map((each) => [each.owner, each]));
  return [...owners.values()].flatMap((of): string[] => {
    if (of.isUnfit)
      return owned
        .filter(({ owner }) => owner === of.owner)
        .map(({ kind, name }) => `ALTER ${kind} ${name} OWNER TO ${role.name}`);
    const grant = `GRANT ${quoteName(of.owner)} TO ${role.name}`;
    if (role.inherits && !of.isMember) return [grant];
    return role.grantsInherit
      ? [`${grant} WITH INHERIT TRUE`]
      : [...(of.isMember ? [] : [grant]), `ALTER ROLE ${role.name} INHERIT`];
  });
}
