/** Doctor's look at what stands under the table's name: what is no table of the operator's, with what to name in its place. */

import { optionName } from '../../config/option-name.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import { parseQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { QUEUE_SCHEMA } from '../../queue/address.ts';
import type { TableFacts } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

interface KindFacts {
  temporary: boolean;
  /** Of the server itself (FirstNormalObjectId, src/include/access/transam.h). */
  system: boolean;
  extension: string | null;
  /** Tables that a view reads, whether itself or by another one; the table of an index, a sequence or out-of-line values. */
  tables: string[];
  server: string | null;
  /** On that server, where its options say so. */
  remote: string | null;
}

interface Fault {
  what: string;
  remedy: string;
}

const COPY = 'CREATE TABLE … AS SELECT …, with a unique key';

/** Null where it is an ordinary table or a partitioned one, of the operator's. Reads catalogs only. */
export async function checkTableKind(db: Queryable, table: TableFacts): Promise<Finding | null> {
  const fault = faultOf(table, await kindFacts(db, table));
  if (fault === null) return null;
  return {
    level: 'error',
    check: 'table',
    message: `${table.schema}.${table.name} is ${fault.what}.`,
    remedy: fault.remedy,
    option: 'table',
  };
}

function faultOf({ schema, kind }: TableFacts, facts: KindFacts): Fault | null {
  const { tables, extension, server, remote } = facts;
  const named = tables.length === 0 ? '' : `: ${tables.join(', ')}`;
  if (facts.system)
    return {
      what: 'of PostgreSQL itself, which takes no column and no trigger',
      remedy: `Copy what is searched into a table of your own (${COPY}) and name that by ${optionName('table')}.`,
    };
  if (schema === LEDGER_SCHEMA || schema === QUEUE_SCHEMA)
    return {
      what: 'one of our own tables',
      remedy: `Name the table that is searched by ${optionName('table')}.`,
    };
  if (extension !== null)
    return {
      what: `of the extension ${extension}, whose next version may change or drop it, and a dump leaves out what is added to it`,
      remedy: `Copy what is searched into a table of your own (${COPY}), keep it in line by a trigger or a job, and name that by ${optionName('table')}.`,
    };
  if (facts.temporary)
    return {
      what: 'a temporary table, which its own session alone can read: workers have sessions of their own',
      remedy: `Keep the rows in an ordinary table (${COPY}) and name that by ${optionName('table')}.`,
    };
  switch (kind) {
    case 'r':
    case 'p':
      return null;
    case 'v':
      return {
        what: 'a view, which takes no column and no index',
        remedy: `Name the table that it reads by ${optionName('table')}${named}. The view's condition goes to ${optionName('where')}, what it computes to ${optionName('text')}; the search in use today (legacySearch) may go on to read the view.`,
      };
    case 'm':
      return {
        what: 'a materialized view, which takes no column and no UPDATE',
        remedy: `Name a table that it is made of by ${optionName('table')}${named}; or make it a table that a job of yours keeps in line (${COPY}).`,
      };
    case 'f':
      return {
        what: `a foreign table: its rows are on server ${server ?? '?'}, where no index can be built from here`,
        remedy: `Run the backfill in the database where the table is${remote === null ? '' : ` (there ${remote})`}, or copy its rows into a table of this one (${COPY}).`,
      };
    case 'S':
      return {
        what: 'a sequence, which has no rows to search',
        remedy: `Name the table${tables.length === 0 ? '' : ' that it numbers'} by ${optionName('table')}${named}.`,
      };
    case 'i':
    case 'I':
      return { what: 'an index', remedy: `Name its table by ${optionName('table')}${named}.` };
    case 't':
      return {
        what: 'where PostgreSQL keeps long values of a table',
        remedy: `Name that table by ${optionName('table')}${named}.`,
      };
    default:
      return {
        what: kind === 'c' ? 'a type, which has no rows' : 'no table',
        remedy: `Name a table by ${optionName('table')}.`,
      };
  }
}

async function kindFacts(db: Queryable, { oid }: TableFacts): Promise<KindFacts> {
  const found = await db.query<KindFacts>(
    `WITH RECURSIVE read AS (
       SELECT $1::oid AS oid
       UNION
       SELECT d.refobjid FROM read JOIN pg_rewrite r ON r.ev_class = read.oid
         JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass)
     SELECT c.relpersistence = 't' AS temporary, c.oid < 16384 AS system,
            (SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
              WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass) AS extension,
            array(SELECT format('%I.%I', n.nspname, t.relname) FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
                   WHERE t.relkind IN ('r', 'p') AND t.oid <> c.oid AND (t.oid IN (SELECT read.oid FROM read) OR t.reltoastrelid = c.oid
                      OR t.oid = (SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = c.oid)
                      OR t.oid IN (SELECT d.refobjid FROM pg_depend d WHERE c.relkind = 'S' AND d.classid = 'pg_class'::regclass
                                      AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass))
                   ORDER BY 1) AS tables,
            (SELECT s.srvname::text FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) AS server,
            (SELECT concat_ws('.', max(o.option_value) FILTER (WHERE o.option_name = 'schema_name'), max(o.option_value) FILTER (WHERE o.option_name = 'table_name'))
               FROM pg_foreign_table f CROSS JOIN LATERAL pg_options_to_table(f.ftoptions) o WHERE f.ftrelid = c.oid HAVING count(*) > 0) AS remote
       FROM pg_class c WHERE c.oid = $1::oid`,
    [oid],
  );
  const none = { temporary: false, system: false, extension: null, tables: [], server: null, remote: null };
  return found.rows[0] ?? none;
}

/** Of a table that this role does not find. */
export async function missingTable(db: Queryable, table: string, message: string): Promise<Finding> {
  const found = await db.query<{ schema: string }>(
    `SELECT n.nspname::text AS schema FROM pg_namespace n WHERE n.nspname = $1::name AND NOT has_schema_privilege(n.oid, 'USAGE')`,
    [schemaOf(table)],
  );
  const [hidden] = found.rows;
  if (hidden === undefined)
    return { level: 'error', check: 'table', message, remedy: missingTableRemedy(table), option: 'table' };
  return {
    level: 'error',
    check: 'privileges',
    message: `This user lacks USAGE on schema ${hidden.schema}, so that it finds no table there.`,
    remedy: 'Have an administrator run what `pgvector-backfill doctor --grants` prints.',
    option: 'database',
  };
}

/** Null also of what is no name. */
function schemaOf(table: string): string | null {
  try {
    return parseQualified(table, 'Option table').schema;
  } catch {
    return null;
  }
}

/** Of a table that is not there. */
export const missingTableRemedy = (table: string): string =>
  /^"?pg_temp/i.test(table)
    ? `A temporary table is there for its own session alone, and workers have sessions of their own: keep the rows in an ordinary table (${COPY}).`
    : `Set ${optionName('table')} to an existing schema.table of this database.`;
