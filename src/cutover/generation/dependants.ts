/** What others have built on the columns of a generation: with the columns it would break, or be gone without a word. */

import { parseQualified, quoteLiteral, quoteName } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { treeSql } from '../../table/partitions.ts';
import type { Target } from '../../table/backfill-target.ts';
import { ownFunctions } from '../../search/queries/sql-function.ts';
import type { AddedObjects } from '../added-objects.ts';

export interface Dependants {
  /** The server knows of them: in words, with what to do. */
  known: string[];
  /** Functions whose source names table and column: of such a text the server knows nothing, so they may mean another one. */
  named: string[];
}

interface Found {
  type: string;
  identity: string;
}

export async function dependantsOf(
  db: Queryable,
  target: Target,
  { columns, table, indexes }: AddedObjects,
): Promise<Dependants> {
  if (columns.length === 0 && table === null) return { known: [], named: [] };
  const known = [
    ...(columns.length === 0 ? [] : await dependingObjects(db, target, columns, indexes)),
    ...(table === null ? [] : await dependingOnTable(db, table)),
  ];
  const { name } = table === null ? { name: '' } : parseQualified(table, 'The table of vectors');
  const named = [
    ...(columns.length === 0 ? [] : await namingFunctions(db, target.name, columns)),
    ...(table === null ? [] : await namingFunctions(db, name, [name])),
  ];
  return { known: [...known.map(inWords), ...(await ownFunctionsBy(db, target))], named };
}

/** What keeps a table beside from going, and what would go with it and is not its own. */
async function dependingOnTable(db: Queryable, table: string): Promise<Found[]> {
  const found = await db.query<Found>(
    `SELECT DISTINCT o.type, o.identity
       FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
       LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
       LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
       LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid,
            LATERAL pg_identify_object(CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END, coalesce(r.ev_class, d.objid), 0) o
      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass($1) AND d.deptype <> 'i'
        AND k.conrelid IS DISTINCT FROM d.refobjid AND p.polrelid IS DISTINCT FROM d.refobjid AND i.indrelid IS DISTINCT FROM d.refobjid
      ORDER BY 1, 2`,
    [table],
  );
  return found.rows;
}

/**
 * Whatever the kind of dependency: generated columns, constraints, indexes and statistics of several columns would go with the
 * column without being asked (automatic dependencies), all others keep it from going.
 */
async function dependingObjects(
  db: Queryable,
  target: Target,
  columns: readonly string[],
  indexes: AddedObjects['indexes'],
): Promise<Found[]> {
  const found = await db.query<Found>(
    `WITH gone AS (
       SELECT a.attrelid, a.attnum FROM pg_attribute a WHERE a.attrelid IN ${treeSql('$1::regclass')} AND a.attname = ANY ($2) AND NOT a.attisdropped),
     depending AS (
       SELECT DISTINCT CASE d.classid WHEN 'pg_rewrite'::regclass THEN 'pg_class'::regclass WHEN 'pg_attrdef'::regclass THEN 'pg_class'::regclass ELSE d.classid END AS classid,
              coalesce(r.ev_class, f.adrelid, d.objid) AS objid, coalesce(f.adnum, d.objsubid) AS objsubid
         FROM gone JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = gone.attrelid AND d.refobjsubid = gone.attnum
         LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
         LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
         LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
         LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
        WHERE d.deptype <> 'i' AND k.contype IS DISTINCT FROM 'n'
          AND NOT (i.indexrelid IS NOT NULL AND EXISTS (
                SELECT 1 FROM unnest($3::text[], $4::text[]) AS own (schema, name)
                 JOIN pg_class c ON c.relname = own.name JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = own.schema
                WHERE c.oid = i.indexrelid OR i.indexrelid IN (SELECT relid FROM pg_partition_tree(c.oid)))))
     SELECT o.type, o.identity FROM depending, LATERAL pg_identify_object(classid, objid, objsubid) o
      WHERE NOT (classid = 'pg_class'::regclass AND EXISTS (SELECT 1 FROM gone WHERE gone.attrelid = objid AND gone.attnum = objsubid))
        AND NOT (classid = 'pg_proc'::regclass AND EXISTS (SELECT 1 FROM pg_proc p WHERE p.oid = objid AND p.pronamespace = to_regnamespace('${LEDGER_SCHEMA}')))
      ORDER BY 1, 2`,
    [target.table, columns, indexes.map(({ schema }) => schema), indexes.map(({ name }) => name)],
  );
  return found.rows;
}

const DROPPED_BY: Readonly<Record<string, string>> = {
  view: 'DROP VIEW',
  'materialized view': 'DROP MATERIALIZED VIEW',
  function: 'DROP FUNCTION',
  procedure: 'DROP PROCEDURE',
  index: 'DROP INDEX CONCURRENTLY',
  'statistics object': 'DROP STATISTICS',
};

function inWords({ type, identity }: Found): string {
  const drop = DROPPED_BY[type];
  const remedy =
    drop === undefined
      ? 'change it so that it does without'
      : `make it read another column, or ${drop} ${identity}`;
  return `${type === 'table column' ? 'generated column' : type} ${identity} (${remedy})`;
}

/** The function of the backfill itself, where it was made for this generation: its text is dynamic. */
async function ownFunctionsBy(db: Queryable, target: Target): Promise<string[]> {
  const found = await ownFunctions(db, target);
  return found
    .filter(({ trusted }) => trusted)
    .filter(({ source }) => source.includes(searchedBy(target)))
    .map(
      ({ signature }) =>
        `function ${signature}, which searches by it (\`pgvector-backfill cutover\` to the generation that stays makes it again, or DROP FUNCTION ${signature})`,
    );
}

const searchedBy = ({ store, ref }: Target): string =>
  store.kind === 'table' ? `FROM ${store.table}` : `${ref}.${quoteName(store.column)}`;

async function namingFunctions(db: Queryable, table: string, columns: readonly string[]): Promise<string[]> {
  const found = await db.query<{ identity: string }>(
    `SELECT p.oid::regprocedure::text AS identity FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE l.lanname NOT IN ('internal', 'c') AND n.nspname NOT IN ('pg_catalog', 'information_schema', '${LEDGER_SCHEMA}') AND n.nspname NOT LIKE 'pg\\_%'
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
        AND ${wordSql('$1')} AND EXISTS (SELECT 1 FROM unnest($2::text[]) name WHERE ${wordSql('name')})
        AND coalesce(obj_description(p.oid, 'pg_proc'), '') NOT LIKE ${quoteLiteral('pgvector-backfill search of %')}
      ORDER BY 1`,
    [table, columns],
  );
  return found.rows.map(({ identity }) => `the source of function ${identity} names it`);
}

/** Whether the name stands in the source, and is no part of a longer one. */
const wordSql = (name: string): string =>
  `p.prosrc ~* ('(^|[^[:alnum:]_])' || regexp_replace(${name}, '([^[:alnum:]_])', '\\\\\\1', 'g') || '($|[^[:alnum:]_])')`;
