/** Whose code may run with our rights: a role that could do the same without us. */

/**
 * SQL of whether a role is trusted: a superuser, the database's owner, the owner of the legacy table, whoever has the rights of
 * one of these, and this role with those whose rights it has. Asked of the role itself, as a superuser has everybody's rights.
 * Names are all qualified: also for connections of applications, on whatever path.
 * @param role SQL of an oid @param table SQL of the legacy table's oid, which may be NULL
 */
export const trustedSql = (role: string, table: string): string =>
  `EXISTS (SELECT 1 FROM pg_catalog.pg_roles pgvb_role, pg_catalog.pg_roles pgvb_me, pg_catalog.pg_database pgvb_db
     WHERE pgvb_role.oid = ${role} AND pgvb_me.rolname = CURRENT_USER AND pgvb_db.datname = pg_catalog.current_database()
       AND (pgvb_role.rolsuper OR pgvb_role.oid = pgvb_me.oid OR pg_catalog.pg_has_role(pgvb_role.oid, pgvb_db.datdba, 'USAGE')
            OR (NOT pgvb_me.rolsuper AND pg_catalog.pg_has_role(pgvb_me.oid, pgvb_role.oid, 'USAGE'))
            OR EXISTS (SELECT 1 FROM pg_catalog.pg_class pgvb_table WHERE pgvb_table.oid = ${table}
                        AND pg_catalog.pg_has_role(pgvb_role.oid, pgvb_table.relowner, 'USAGE'))))`;
