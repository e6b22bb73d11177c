/** Rights on the legacy table and its schema, for its owner and for a role that is not. */

import type { Settings } from '../../config/settings.ts';
import { parseQualified, quoteName, quoteQualified } from '../../db/identifiers.ts';
import { notOwned, ownerStatements, type Role } from '../../db/rights-of-owner.ts';
import { OPERATOR_SCHEMAS } from '../../db/search-path.ts';
import type { Queryable } from '../../db/pool.ts';
import { ConfigError } from '../../errors.ts';
import { treeSql } from '../../table/partitions.ts';
import type { TableFacts } from '../../table/backfill-target.ts';
import { checkTableKind, missingTableRemedy } from '../checks/table-kind.ts';
import { needed, type Grant } from './grant.ts';

/** Also in a schema that this role may not look into. @throws ConfigError where there is none, or it is no table */
export async function findGrantedTable(db: Queryable, { table }: Settings): Promise<TableFacts> {
  const { schema, name } = parseQualified(table, 'Option table');
  const found = await db.query<TableFacts>(
    `SELECT n.nspname::text AS schema, c.relname::text AS name, c.oid::text AS oid, c.relkind::text AS kind
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN ${OPERATOR_SCHEMAS} p ON p.schema = n.nspname::text
      WHERE c.relname = $2::name AND CASE WHEN $1::text IS NULL THEN p.place IS NOT NULL ELSE n.nspname = $1::name END
      ORDER BY p.place LIMIT 1`,
    [schema, name],
  );
  const [facts] = found.rows;
  if (facts === undefined)
    throw new ConfigError(`Table ${table} does not exist in this database.`, {
      code: 'TABLE_MISSING',
      remedy: missingTableRemedy(table),
    });
  const fault = await checkTableKind(db, facts);
  if (fault === null) return facts;
  const { message, remedy = '' } = fault;
  throw new ConfigError(message, { code: 'TABLE_KIND', remedy });
}

interface TableRights {
  usage: boolean;
  create: boolean;
  ownerUsage: boolean;
  ownerCreate: boolean;
  /** Missing for this role, and for the owner. */
  lacking: string[];
  ownerLacking: string[];
}

/** In the order in which they can be run. */
export async function tableGrants(
  db: Queryable,
  role: Role,
  table: TableFacts,
  settings: Settings,
): Promise<Grant[]> {
  const { sync } = settings;
  // Vectors beside the table take no rights of its owner.
  const isBeside = settings.store === 'table';
  const trigger = sync.mode === 'sweep' || sync.mode === 'off' ? [] : ['TRIGGER'];
  const owned = isBeside ? [] : await notOwned(db, `c.oid IN ${treeSql('$1::oid::regclass')}`, [table.oid]);
  const rights = await tableRights(
    db,
    table,
    isBeside ? ['SELECT', ...trigger] : ['SELECT', 'UPDATE', ...trigger],
  );
  // A member has what the owner has.
  const asMember = owned.length > 0 && owned.every(({ isUnfit }) => !isUnfit);
  const schema = [
    rights.usage || (asMember && rights.ownerUsage) ? null : 'USAGE',
    rights.create || (asMember && rights.ownerCreate) ? null : 'CREATE',
  ].filter((each) => each !== null);
  const lacking = rights.lacking.filter((each) => owned.length === 0 || rights.ownerLacking.includes(each));
  const quoted = quoteQualified(table);
  return [
    ...needed(
      isBeside
        ? 'the table of vectors and the search function stand beside the table'
        : 'the index and the search function stand beside the table',
      schema.length === 0
        ? []
        : [`GRANT ${schema.join(', ')} ON SCHEMA ${quoteName(table.schema)} TO ${role.name}`],
    ),
    ...needed(
      'types of key and text stand in schemas of their own',
      (await typeSchemas(db, table, settings)).map(
        (each) => `GRANT USAGE ON SCHEMA ${quoteName(each)} TO ${role.name}`,
      ),
    ),
    ...needed(
      'columns, index and triggers are added by the owner of the table, or a role that has its rights',
      ownerStatements(role, owned),
    ),
    ...needed(
      isBeside ? 'rows are read, and their changes captured' : 'rows are read and their vectors written',
      lacking.length === 0 ? [] : [`GRANT ${lacking.join(', ')} ON TABLE ${quoted} TO ${role.name}`],
    ),
  ];
}

async function tableRights(db: Queryable, { oid }: TableFacts, wanted: string[]): Promise<TableRights> {
  const lacks = (role: string): string =>
    `array(SELECT w.name FROM unnest($2::text[]) WITH ORDINALITY AS w (name, place) WHERE NOT has_table_privilege(${role}, c.oid, w.name) ORDER BY w.place)`;
  const found = await db.query<TableRights>(
    `SELECT has_schema_privilege(n.oid, 'USAGE') AS usage, has_schema_privilege(n.oid, 'CREATE') AS create,
            has_schema_privilege(c.relowner, n.oid, 'USAGE') AS "ownerUsage", has_schema_privilege(c.relowner, n.oid, 'CREATE') AS "ownerCreate",
            ${lacks('current_user')} AS lacking, ${lacks('c.relowner')} AS "ownerLacking"
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
    [oid, wanted],
  );
  const none = { usage: true, create: true, ownerUsage: true, ownerCreate: true };
  return found.rows[0] ?? { ...none, lacking: [], ownerLacking: [] };
}

/** Those that this role may not use: of columns that may be a key, and of the text. */
async function typeSchemas(db: Queryable, { oid }: TableFacts, { text }: Settings): Promise<string[]> {
  const found = await db.query<{ schema: string }>(
    `SELECT DISTINCT n.nspname::text AS schema FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_schema_privilege(n.oid, 'USAGE')
        AND (a.attname = ANY ($2::name[]) OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey)))
      ORDER BY 1`,
    [oid, Array.isArray(text) ? text : []],
  );
  return found.rows.map((row) => row.schema);
}
