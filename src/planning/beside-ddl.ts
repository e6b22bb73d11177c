/** DDL of the table of vectors beside the legacy table. */

import { optionName } from '../config/option-name.ts';
import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import { ConfigError } from '../errors.ts';
import { tableBeside } from '../ledger/backfill/made-table.ts';
import { keyRefs, sameKeySql } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';

const POLICY = 'pgvector_backfill_rows';

export interface TableStatements {
  first: string;
  /** Whether that makes the table. */
  isNew: boolean;
  /** Behind it, once nobody else has a right on it. */
  open: string[];
}

/**
 * Null where it is there, and keeps from everybody what the legacy table does.
 * @throws ConfigError where another table stands under its name
 */
export async function missingTableBeside(
  db: Queryable,
  target: Target,
  dimensions: number,
  vectorPrefix: string,
): Promise<TableStatements | null> {
  const { store } = target;
  const present = await tableBeside(db, target);
  if (present?.isOurs === true)
    return (await isProtected(db, target))
      ? null
      : {
          first: `DROP POLICY IF EXISTS ${POLICY} ON ${store.table}`,
          isNew: false,
          open: protection(target),
        };
  if (present !== null) throw nameTaken(target, present.owner);
  const names = keyRefs(target);
  const key = target.key.map(({ type, collate }, at) => `${names[at]} ${type}${collate} NOT NULL`);
  const columns = [
    ...key,
    'chunk integer NOT NULL',
    'chunk_start integer NOT NULL',
    'chunk_end integer NOT NULL',
    `${quoteName(store.column)} ${vectorPrefix}${target.columnType}(${dimensions}) NOT NULL`,
    'text_hash bytea NOT NULL',
    'embedded_at timestamptz NOT NULL',
    'chunk_hash bytea',
    `PRIMARY KEY (${names.join(', ')}, chunk)`,
  ];
  return {
    first: `CREATE TABLE ${store.table} (${columns.join(', ')})`,
    isNew: true,
    open: [
      ...protection(target),
      ...(await readers(db, target)).map((role) => `GRANT SELECT ON ${store.table} TO ${role}`),
    ],
  };
}

/**
 * Whoever is no owner sees the vectors of those rows alone that they see of the legacy table, whatever becomes of its policies and
 * grants: the policy reads it as whoever asks. OFFSET keeps the planner from reading all its keys for that.
 */
function protection(target: Target): string[] {
  const { table, name } = target.store;
  const isSame = sameKeySql(target, keyRefs(target, 'pgvb_row.'), keyRefs(target, `${quoteName(name)}.`));
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `CREATE POLICY ${POLICY} ON ${table} FOR SELECT USING (EXISTS (SELECT FROM ${target.table} pgvb_row WHERE ${isSame} OFFSET 0))`,
  ];
}

/** A policy reads the very table that it was made for, though another one may have its name by now. */
async function isProtected(db: Queryable, { oid, store }: Target): Promise<boolean> {
  const found = await db.query<{ done: boolean }>(
    `SELECT c.relrowsecurity AND EXISTS (
              SELECT 1 FROM pg_policy p JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
               WHERE p.polrelid = c.oid AND p.polname = $3 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $2::oid) AS done
       FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [store.table, oid, POLICY],
  );
  return found.rows[0]?.done === true;
}

/**
 * Roles that may read every column of the legacy table, and not the table of vectors, where that is there: of a column in it they
 * could read the vectors, too. Quoted.
 */
export async function readers(db: Queryable, { oid, store }: Target): Promise<string[]> {
  const found = await db.query<{ role: string }>(
    `SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS role
       FROM pg_class c CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE c.oid = $1::oid AND a.privilege_type = 'SELECT' AND r.rolname IS DISTINCT FROM current_user
        AND NOT coalesce(CASE WHEN a.grantee <> 0 THEN has_table_privilege(a.grantee, to_regclass($2), 'SELECT')
                              ELSE EXISTS (SELECT 1 FROM pg_class v CROSS JOIN LATERAL aclexplode(v.relacl) g
                                            WHERE v.oid = to_regclass($2) AND g.grantee = 0 AND g.privilege_type = 'SELECT') END, false) ORDER BY 1`,
    [oid, store.table],
  );
  return found.rows.map((row) => row.role);
}

export const nameTaken = ({ schema, name, store }: Target, owner: string): ConfigError =>
  new ConfigError(
    `${store.schema}.${store.name} is there already, of role ${owner}, and is not the table of vectors that was made for ${schema}.${name}.`,
    {
      code: 'STORE_NAME_TAKEN',
      remedy: `Rename it, or name the table of vectors otherwise by ${optionName('column')}: it is called after the table and that.`,
    },
  );
