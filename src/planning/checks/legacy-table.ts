/** Doctor's checks of the table, its columns and the rights on it. They read catalogs only. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { quoteName, quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { hidesRows } from '../../db/row-security.ts';
import { messageOf } from '../../errors.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { findTable, type TableFacts, type Target } from '../../table/backfill-target.ts';
import { checkInheritance } from './inheritance.ts';
import { checkTableKind, missingTable } from './table-kind.ts';
import { checkUpdateTriggers } from './update-triggers.ts';
import type { Finding } from './finding.ts';

/** Null where rows are hidden from this role, which a check of its own says. */
async function rowsOf(db: Queryable, table: string): Promise<number | null> {
  return estimatedRows(db, table).catch((error: unknown) => {
    if (hidesRows(error)) return null;
    throw error;
  });
}

/** Table kind, privileges, what an update sets off. Null facts where the table is not there. */
export async function checkTable(
  db: Queryable,
  settings: Settings,
): Promise<{ findings: Finding[]; table: TableFacts | null }> {
  let table: TableFacts;
  try {
    table = await findTable(db, settings);
  } catch (error) {
    return { findings: [await missingTable(db, settings.table, messageOf(error))], table: null };
  }
  const fault = await checkTableKind(db, table);
  if (fault !== null) return { findings: [fault], table: null };
  const shown = `${table.schema}.${table.name}`;
  const facts = await db.query<{
    owner: boolean;
    select: boolean;
    update: boolean;
    make: boolean;
    schema: boolean;
    ledger: boolean | null;
  }>(
    `SELECT pg_has_role(c.relowner, 'USAGE') AS owner, has_table_privilege(c.oid, 'SELECT') AS select,
            has_table_privilege(c.oid, 'UPDATE') AS update, has_schema_privilege(c.relnamespace, 'CREATE') AS make,
            has_database_privilege(current_database(), 'CREATE') AS schema,
            has_schema_privilege(to_regnamespace('pgvector_backfill'), 'USAGE')
              AND has_schema_privilege(to_regnamespace('pgvector_backfill'), 'CREATE') AS ledger
       FROM pg_class c WHERE c.oid = $1`,
    [table.oid],
  );
  const row = facts.rows[0];
  if (row === undefined) return { findings: [], table: null };
  const isBeside = settings.store === 'table';
  const rows = row.select ? await rowsOf(db, quoteQualified(table)) : 0;
  const lacking = [
    row.select ? null : 'SELECT on the table',
    row.update || isBeside ? null : 'UPDATE on the table',
    row.owner || isBeside ? null : 'ownership of the table (to add columns and build the index)',
    row.make
      ? null
      : `CREATE on schema ${table.schema} (for ${isBeside ? 'the table of vectors' : 'the index'} and the search function)`,
    ledgerLacks(row),
  ].filter((each) => each !== null);
  const findings: Finding[] = [
    {
      level: 'ok',
      check: 'table',
      message: rows === null ? shown : `${shown}, about ${Math.round(rows)} rows`,
    },
  ];
  if (lacking.length > 0) {
    findings.push({
      level: 'error',
      check: 'privileges',
      message: `This user lacks ${lacking.join(', ')}.`,
      remedy: `Have an administrator run what \`pgvector-backfill doctor --grants\` prints, or connect as the owner of ${shown}.`,
      option: 'database',
    });
  } else
    findings.push({
      level: 'ok',
      check: 'privileges',
      message: isBeside ? 'SELECT and CREATE are there.' : 'SELECT, UPDATE, ownership and CREATE are there.',
    });
  findings.push(
    ...(await checkUpdateTriggers(db, table, settings)),
    ...(await checkInheritance(db, table, settings)),
  );
  return { findings, table };
}

/** The vector column and the staging table, where they are there already, are of the model's dimension. */
export async function checkVectorColumn(
  db: Queryable,
  target: Target,
  dimensions: number,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const columns = await db.query<{ place: string; name: string; type: string }>(
    `SELECT w.place, a.attname::text AS name,
            t.typname || CASE WHEN a.atttypmod > 0 THEN '(' || a.atttypmod || ')' ELSE '' END AS type
       FROM (VALUES ('column', to_regclass($1), $2::name), ('staging table', to_regclass($3), 'embedding')) AS w (place, relation, name)
       JOIN pg_attribute a ON a.attrelid = w.relation AND a.attname = w.name AND NOT a.attisdropped
       JOIN pg_type t ON t.oid = a.atttypid`,
    [target.store.table, target.store.column, target.stage],
  );
  const remedy = dimensionRemedy(columns.rows.some(({ place }) => place !== 'column'));
  for (const { place, name, type } of columns.rows) {
    const wanted = `${place === 'column' ? target.columnType : 'vector'}(${dimensions})`;
    if (type === wanted)
      findings.push({ level: 'ok', check: 'dimensions', message: `${place} ${name} is ${type}` });
    else {
      findings.push({
        level: 'error',
        check: 'dimensions',
        message: `The ${place} ${place === 'column' ? name : target.stageName} is ${type}, the model gives ${wanted}.`,
        remedy,
        option: 'model.name',
      });
    }
  }
  if (columns.rows.length === 0)
    findings.push({
      level: 'ok',
      check: 'dimensions',
      message:
        target.store.kind === 'table'
          ? `table ${target.store.table} with ${target.columnType}(${dimensions}) will be made`
          : `column ${quoteName(target.column)} ${target.columnType}(${dimensions}) will be added`,
    });
  return findings;
}

const AS_MADE = `Choose the model and the type that it was made for by ${optionName('model.name')}, ${optionName('model.localPath')} and ${optionName('columnType')}`;

function dimensionRemedy(isStaged: boolean): string {
  if (isStaged)
    return `${AS_MADE}, or take the backfill out of the table (\`pgvector-backfill rollback --to-legacy-schema --execute\`) and run \`pgvector-backfill enqueue\` with the new model. A column that was there before \`enqueue\` stays: name another one then by ${optionName('column')}, which has a staging table of its own.`;
  return `${AS_MADE}, or another column by ${optionName('column')}, which is then added.`;
}

/** A schema that is there already, as an administrator makes it beforehand, takes no right on the database. */
function ledgerLacks({ schema, ledger }: { schema: boolean; ledger: boolean | null }): string | null {
  if (ledger === null) return schema ? null : 'CREATE on the database (for schema pgvector_backfill)';
  return ledger ? null : 'USAGE and CREATE on schema pgvector_backfill';
}
