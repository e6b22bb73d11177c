/** What text and condition are made of: what PostgreSQL itself says of views over them. */

import type pg from 'pg';
import type { Pool, Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { LEDGER_LIMITS, inTransaction } from '../db/transaction.ts';
import { writtenByOthers } from '../ledger/backfill/siblings.ts';
import { keyNames } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';

const VIEW = 'pgvector_backfill_watched';

export interface ExpressionFacts {
  /**
   * Columns whose change can change a row's text, its key, or whether it takes part. Where they cannot be told (an
   * expression over the whole row, or no right to make a temporary view): all but those that backfills add.
   */
  watched: string[];
  /** What is read, that of other backfills among it; null where it cannot be told. */
  reads: string[] | null;
  /** What else decides, so that a row's text changes or it takes part without being written: by option, in words. */
  varying: { option: 'text' | 'where'; what: string[] }[];
}

/** The views are gone again before the transaction ends; nobody else ever sees them. */
export async function expressionFacts(pool: Pool, target: Target): Promise<ExpressionFacts> {
  const used = new Set<string>();
  const varying: ExpressionFacts['varying'] = [];
  let isWhole = false;
  let isKnown = true;
  await inTransaction(pool, LEDGER_LIMITS, async (client) => {
    used.clear();
    varying.length = 0;
    isWhole = false;
    for (const [option, sql] of [['text', target.text] as const, ['where', target.where] as const]) {
      // Extended: of a message that holds several statements, which the operator's SQL may end ours to make, none is run.
      const text = `CREATE TEMP VIEW ${VIEW} AS SELECT ${sql} AS value FROM ${target.table}`;
      await client.query({ text, queryMode: 'extended' } as pg.QueryConfig);
      for (const name of await usedColumns(client, target)) used.add(name);
      isWhole ||= await usesWholeRow(client, target);
      const what = await varyingParts(client, target);
      if (what.length > 0) varying.push({ option, what });
      await client.query(`DROP VIEW pg_temp.${VIEW}`);
    }
  }).catch((error: unknown) => {
    if (!hasSqlState(error, SQLSTATE.privilege)) throw error;
    isKnown = false;
  });
  const key = keyNames(target);
  const isCertain = isKnown && !isWhole;
  const others = isCertain && used.size > 0 ? [] : await writtenByOthers(pool, target);
  const all = isCertain && used.size > 0 ? [] : await ownColumns(pool, target);
  const outside = all.filter((name) => !others.includes(name));
  return {
    watched: [...new Set([...key, ...used, ...outside])],
    reads: isKnown ? [...new Set([...key, ...used, ...(isWhole ? all : [])])] : null,
    varying,
  };
}

/** As a variable of no single column, of the table's row type (Var of src/include/nodes/primnodes.h). */
async function usesWholeRow(db: Queryable, target: Target): Promise<boolean> {
  const found = await db.query<{ whole: boolean }>(
    `SELECT ev_action::text ~ ('[{]VAR :varno [0-9]+ :varattno 0 :vartype ' || (SELECT reltype::text FROM pg_class WHERE oid = $1::regclass) || ' ') AS whole
       FROM pg_rewrite WHERE ev_class = 'pg_temp.${VIEW}'::regclass`,
    [target.table],
  );
  return found.rows[0]?.whole === true;
}

async function usedColumns(db: Queryable, target: Target): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT DISTINCT a.attname::text AS name, a.attnum
       FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
       JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      WHERE r.ev_class = 'pg_temp.${VIEW}'::regclass AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = $1::regclass AND a.attnum > 0 ORDER BY a.attnum`,
    [target.table],
  );
  return found.rows.map((row) => row.name);
}

/**
 * Functions of PostgreSQL's own that are no more than stable because settings of the session decide how values are written
 * (DateStyle, TimeZone) or which words are stemmed; those do not change by themselves.
 */
const BY_SETTINGS = `
  concat concat_ws format textanycat anytextcat array_to_string string_agg quote_literal
  quote_nullable to_char to_date to_timestamp to_number date time timetz timestamp timestamptz
  timezone date_part date_trunc extract timestamptz_pl_interval timestamptz_mi_interval
  interval_pl_timestamptz generate_series to_json to_jsonb row_to_json array_to_json json_build_object
  json_build_array jsonb_build_object jsonb_build_array json_agg jsonb_agg to_tsvector
  jsonb_to_tsvector convert convert_to convert_from ts_headline to_tsquery plainto_tsquery
`
  .trim()
  .split(/\s+/);
const COMPARES_TIMES = '^(timestamptz?|date)_(eq|ne|lt|le|gt|ge|cmp)_(timestamptz?|date)$';

/** In the order of SQLValueFunctionOp (src/include/nodes/primnodes.h). */
const SQL_VALUES = `
  CURRENT_DATE CURRENT_TIME CURRENT_TIME CURRENT_TIMESTAMP CURRENT_TIMESTAMP LOCALTIME LOCALTIME
  LOCALTIMESTAMP LOCALTIMESTAMP CURRENT_ROLE CURRENT_USER USER SESSION_USER CURRENT_CATALOG
  CURRENT_SCHEMA
`
  .trim()
  .split(/\s+/);

/** Functions that are not immutable, values of the session, and other tables: read out of the view's parse tree. */
async function varyingParts(db: Queryable, target: Target): Promise<string[]> {
  const found = await db.query<{ what: string }>(
    `WITH tree AS (SELECT oid, ev_action::text AS tree FROM pg_rewrite WHERE ev_class = 'pg_temp.${VIEW}'::regclass),
          called AS (SELECT DISTINCT m[1]::oid AS oid FROM tree, regexp_matches(tree, ':(?:funcid|opfuncid) ([0-9]+)', 'g') m)
     SELECT p.oid::regprocedure::text || CASE p.provolatile WHEN 's' THEN ' (stable)' ELSE ' (volatile)' END AS what
       FROM called JOIN pg_proc p USING (oid)
      WHERE p.provolatile = 'v'
         OR (p.provolatile = 's' AND NOT (p.pronamespace = 'pg_catalog'::regnamespace AND (p.proname = ANY ($2) OR p.proname ~ $3)))
     UNION SELECT ($4::text[])[m[1]::int + 1] FROM tree, regexp_matches(tree, '[{]SQLVALUEFUNCTION :op ([0-9]+)', 'g') m
     UNION SELECT 'table ' || d.refobjid::regclass FROM tree r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid NOT IN ($1::regclass, 'pg_temp.${VIEW}'::regclass)
     ORDER BY 1`,
    [target.table, BY_SETTINGS, COMPARES_TIMES, SQL_VALUES],
  );
  return found.rows.map((row) => row.what);
}

async function ownColumns(pool: Pool, target: Target): Promise<string[]> {
  const found = await pool.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL ($2) ORDER BY attnum`,
    [target.table, [target.column, target.updatedAtColumn]],
  );
  return found.rows.map((row) => row.name);
}

/** `now() (stable) in where; table cats in text`; empty where a row's text and part change with the row alone. */
export const variesInWords = (varying: ExpressionFacts['varying']): string =>
  varying.map(({ option, what }) => `${what.join(', ')} in ${option}`).join('; ');
