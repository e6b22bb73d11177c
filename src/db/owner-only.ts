/** What stands in our schema is nobody else's to read, whatever ALTER DEFAULT PRIVILEGES gives away of new objects. */

import { quoteName } from './identifiers.ts';
import type { Queryable } from './pool.ts';

interface Grant {
  /** Quoted. */
  relation: string;
  /** Null for everybody. */
  grantee: string | null;
  kind: string;
}

/** In the transaction that makes them, so that there is no moment in which anybody else could look. */
export async function keepFromOthers(db: Queryable, oids: readonly string[]): Promise<void> {
  const found = await db.query<Grant>(
    `SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS relation, c.relkind::text AS kind, r.rolname::text AS grantee
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       CROSS JOIN LATERAL aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE c.oid = ANY ($1::oid[]) AND a.grantee <> c.relowner ORDER BY 1, 2, 3`,
    [oids],
  );
  for (const { relation, kind, grantee } of found.rows)
    await db.query(
      `REVOKE ALL ON ${kind === 'S' ? 'SEQUENCE' : 'TABLE'} ${relation} FROM ${whom(grantee)} CASCADE`,
    );
}

/** The same of a schema. In one that an administrator has made for this role, its own rights stay. */
export async function keepSchemaFromOthers(db: Queryable, schema: string): Promise<void> {
  const found = await db.query<{ grantee: string | null }>(
    `SELECT DISTINCT r.rolname::text AS grantee FROM pg_namespace n
       CROSS JOIN LATERAL aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE n.nspname = $1 AND a.grantee <> n.nspowner AND r.rolname IS DISTINCT FROM current_user AND pg_has_role(n.nspowner, 'USAGE') ORDER BY 1`,
    [schema],
  );
  for (const { grantee } of found.rows)
    await db.query(`REVOKE ALL ON SCHEMA ${quoteName(schema)} FROM ${whom(grantee)} CASCADE`);
}

const whom = (grantee: string | null): string => (grantee === null ? 'PUBLIC' : quoteName(grantee));

/** Tables and sequences of a schema, as text. */
export async function relationsOf(db: Queryable, schema: string): Promise<string[]> {
  const found = await db.query<{ oid: string }>(
    `SELECT c.oid::text AS oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'S')`,
    [schema],
  );
  return found.rows.map((row) => row.oid);
}
