/**
 * What stands under our names is ours, or it is not used: whoever makes the schema before us, or something in it, would read
 * what we write there, and have his triggers, rules and functions run with our rights. Looked at in the catalogs alone, before
 * anything of it is read.
 */

import { GateError } from '../errors.ts';
import { usableRegclassSql } from './search-path.ts';
import type { Queryable } from './pool.ts';
import { trustedSql } from './trusted-roles.ts';

interface Fault {
  what: string;
  remedy: string;
}

/** Faults that a message names. */
const SHOWN = 3;

/** Once for all kinds of part: each join less is less to plan, on a connection that has planned nothing yet. */
const SCHEMA =
  'SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname = $1';

/** All of them at once: planning the question again for each kind of part took longer than the answers. */
const TRUSTED = `SELECT pgvb_any.oid FROM pg_catalog.pg_roles pgvb_any WHERE ${trustedSql('pgvb_any.oid', '(SELECT pgvb_named.oid FROM pgvb_named)')}`;

/**
 * `owners`: whose it is; else only what a look at it could set off, for roles that know nothing of the table.
 * $1 schema, $2 name of the legacy table, quoted, or NULL.
 */
const faultsSql = (owners: boolean): string => {
  const trusted = (role: string): string =>
    `EXISTS (SELECT 1 FROM pgvb_trusted WHERE pgvb_trusted.oid = ${role})`;
  const relations = `pg_catalog.pg_class c JOIN pgvb_schema n ON n.oid = c.relnamespace WHERE true`;
  const name = `pg_catalog.format('%I.%I', n.nspname, c.relname)`;
  const role = (oid: string): string =>
    `CASE ${oid} WHEN 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(${oid})) END`;
  /** A function belongs to whoever could have it run: the owner of what it hangs on, where nothing is known of the table. */
  const others = (oid: string): string => (owners ? `NOT ${trusted(oid)}` : `${oid} <> c.relowner`);
  const parts = [
    `SELECT 3, pg_catalog.format('%s is no ordinary table', ${name}), pg_catalog.format('DROP it, or ALTER ... RENAME it: %s', ${name})
       FROM ${relations} AND c.relkind NOT IN ('r', 'i', 'S', 't', 'c')`,
    `SELECT 3, pg_catalog.format('%s has %s', ${name}, w.what), 'take away what is not ours, or DROP the table'
       FROM pg_catalog.pg_class c JOIN pgvb_schema n ON n.oid = c.relnamespace,
            LATERAL (SELECT 'row-level security' WHERE c.relrowsecurity
                     UNION ALL SELECT 'rules' WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
                     UNION ALL SELECT 'tables that inherit from it, or inherits' WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid))) AS w (what)
      WHERE c.relkind = 'r'`,
    `SELECT 3, pg_catalog.format('%s has the trigger %I, whose function belongs to %s', ${name}, t.tgname, ${role('p.proowner')}), pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, ${name})
       FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
       JOIN pgvb_schema n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND ${others('p.proowner')}`,
    `SELECT 3, pg_catalog.format('a default, constraint or index of %s calls %s, which belongs to %s', ${name}, p.oid::pg_catalog.regprocedure, ${role('p.proowner')}), pg_catalog.format('DROP TABLE %s', ${name})
       FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AND p.oid = d.refobjid
       JOIN pg_catalog.pg_class c ON c.oid = CASE d.classid
            WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid THEN (SELECT a.adrelid FROM pg_catalog.pg_attrdef a WHERE a.oid = d.objid)
            WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid THEN (SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.oid = d.objid)
            WHEN 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid THEN (SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = d.objid) END
       JOIN pgvb_schema n ON n.oid = c.relnamespace WHERE ${others('p.proowner')}`,
  ];
  if (owners)
    parts.push(
      `SELECT 1, pg_catalog.format('it belongs to %s', ${role('n.nspowner')}), pg_catalog.format('look at what is in it; then DROP SCHEMA %I CASCADE, or ALTER SCHEMA %I OWNER TO %I with all that is in it', n.nspname, n.nspname, CURRENT_USER)
         FROM pgvb_schema n WHERE NOT ${trusted('n.nspowner')}`,
      `SELECT 2, pg_catalog.format('%s may create objects in it', ${role('a.grantee')}), pg_catalog.format('REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, ${role('a.grantee')})
         FROM pgvb_schema n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
        WHERE a.privilege_type = 'CREATE' AND NOT ${trusted('a.grantee')}`,
      `SELECT 3, pg_catalog.format('%s belongs to %s', ${name}, ${role('c.relowner')}), pg_catalog.format('DROP TABLE %s, or ALTER TABLE %s OWNER TO %I', ${name}, ${name}, CURRENT_USER)
         FROM ${relations} AND c.relkind NOT IN ('i', 't') AND NOT ${trusted('c.relowner')}`,
      `SELECT 3, pg_catalog.format('function %s belongs to %s', p.oid::pg_catalog.regprocedure, ${role('p.proowner')}), pg_catalog.format('DROP FUNCTION %s', p.oid::pg_catalog.regprocedure)
         FROM pg_catalog.pg_proc p JOIN pgvb_schema n ON n.oid = p.pronamespace WHERE NOT ${trusted('p.proowner')}`,
    );
  return `WITH pgvb_schema AS MATERIALIZED (${SCHEMA})${owners ? `, pgvb_named AS MATERIALIZED (SELECT ${usableRegclassSql('$2')} AS oid), pgvb_trusted AS MATERIALIZED (${TRUSTED})` : ''} SELECT f.what, f.remedy FROM (${parts.join('\n UNION ALL ')}) AS f (place, what, remedy) ORDER BY f.place, f.what LIMIT ${SHOWN + 1}`;
};

const OWNERS = faultsSql(true);
const INERT = faultsSql(false);

/** Null where the schema is not there, or is ours. @param table quoted, of the legacy table; null where it is not known */
export async function foreignParts(
  db: Queryable,
  schema: string,
  table: string | null,
  owners = true,
): Promise<GateError | null> {
  const { rows } = owners
    ? await db.query<Fault>(OWNERS, [schema, table])
    : await db.query<Fault>(INERT, [schema]);
  const [first] = rows;
  if (first === undefined) return null;
  const more = rows.length > SHOWN ? '; and more' : '';
  const parts = rows.slice(0, SHOWN).map(({ what }) => what);
  return new GateError(`Schema ${schema} is not ours alone, and is not used: ${parts.join('; ')}${more}.`, {
    code: 'SCHEMA_FOREIGN',
    remedy: `Another role's code would run with the rights of this one. As its owner or a superuser: ${first.remedy}.`,
  });
}

/** What was sound stays so: nobody but us may add to it. By the connections that have asked. */
const sound = new WeakMap<Queryable, Set<string>>();

/** @throws GateError `SCHEMA_FOREIGN` */
export async function assertOwnSchema(
  db: Queryable,
  schema: string,
  table: string | null,
  owners = true,
): Promise<void> {
  const known = sound.get(db) ?? new Set();
  const key = `${schema} ${owners}`;
  if (known.has(key)) return;
  const fault = await foreignParts(db, schema, table, owners);
  if (fault !== null) throw fault;
  const present = await db.query<{ present: boolean }>(
    'SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AS present',
    [schema],
  );
  // One that is not there yet may still be made by somebody.
  if (present.rows[0]?.present === true) sound.set(db, known.add(key));
}
