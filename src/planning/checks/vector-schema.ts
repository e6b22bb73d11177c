/** Doctor's look at the schema of pgvector: where it is or is to be, and whether this role may use what is in it. */

import { optionName } from '../../config/option-name.ts';
import { quoteName } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { QUEUE_SCHEMA } from '../../queue/address.ts';
import type { Finding } from './finding.ts';

const check = 'pgvector-schema';
/** Not worth a word. */
const USUAL = 'public';

interface SchemaFacts {
  /** Where the extension is; null where it is not in this database. */
  present: string | null;
  /** Whether this role may use that schema. */
  usable: boolean | null;
  role: string;
  /** Null where the wanted schema is not there. */
  wantedUsable: boolean | null;
}

/** @param wanted schema of the option, unquoted */
export async function checkVectorSchema(db: Queryable, wanted: string | undefined): Promise<Finding[]> {
  const { present, usable, role, wantedUsable } = await schemaFacts(db, wanted);
  const grant = (schema: string): string =>
    `Have its owner run GRANT USAGE ON SCHEMA ${quoteName(schema)} TO ${role}; \`pgvector-backfill doctor --grants\` prints all that is missing.`;
  if (present !== null) {
    if (usable !== true)
      return [
        {
          level: 'error',
          check,
          message: `pgvector is in schema ${present}, which this user may not use.`,
          remedy: grant(present),
        },
      ];
    if (wanted === undefined && present === USUAL) return [];
    if (wanted === undefined || wanted === present)
      return [{ level: 'ok', check, message: `pgvector is in schema ${present}` }];
    return [
      {
        level: 'warn',
        check,
        message: `pgvector is in schema ${present} already, and is used there: vectorSchema names ${wanted}, and an extension is in one schema alone.`,
        remedy: `Set ${optionName('vectorSchema')} to ${present}, or take it out. ALTER EXTENSION vector SET SCHEMA ${quoteName(wanted)} moves it, which whatever names its schema notices.`,
        option: 'vectorSchema',
      },
    ];
  }
  if (wanted === undefined) return [];
  const fault = (message: string, remedy: string): Finding[] => [
    { level: 'error', check, message, remedy, option: 'vectorSchema' },
  ];
  if (wanted === LEDGER_SCHEMA || wanted === QUEUE_SCHEMA)
    return fault(
      `Option vectorSchema is ${wanted}, which holds our own tables and goes with them.`,
      `Set ${optionName('vectorSchema')} to another schema.`,
    );
  if (wantedUsable === null)
    return fault(
      `Schema ${wanted} (option vectorSchema) does not exist in this database.`,
      `CREATE SCHEMA ${quoteName(wanted)}; or set ${optionName('vectorSchema')} to one that exists.`,
    );
  if (!wantedUsable)
    return fault(`This user may not use schema ${wanted} (option vectorSchema).`, grant(wanted));
  return [{ level: 'ok', check, message: `pgvector will be created in schema ${wanted}` }];
}

async function schemaFacts(db: Queryable, wanted: string | undefined): Promise<SchemaFacts> {
  const found = await db.query<SchemaFacts>(
    `SELECT n.nspname::text AS present, has_schema_privilege(n.oid, 'USAGE') AS usable, quote_ident(current_user) AS role,
            has_schema_privilege(w.oid, 'USAGE') AS "wantedUsable"
       FROM (SELECT 1) one
       LEFT JOIN pg_extension e ON e.extname = 'vector' LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
       LEFT JOIN pg_namespace w ON w.nspname = $1::name`,
    [wanted ?? null],
  );
  return found.rows[0] ?? { present: null, usable: null, role: '', wantedUsable: null };
}
