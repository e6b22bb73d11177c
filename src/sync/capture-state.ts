/** The triggers of change capture as the catalog has them now: what is wrong with them, and whether they were touched. */

import { quoteName, quoteQualified } from '../db/identifiers.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { mayNoteSql, grantNotesSql } from '../ledger/changes/capture-sql.ts';
import { BEFORE_UPDATE_SQL } from '../table/before-update-triggers.ts';
import { treeSql } from '../table/partitions.ts';
import type { Target } from '../table/backfill-target.ts';
import {
  CAPTURE_PATH,
  CAPTURE_TRIGGERS,
  captureDdl,
  captureFunction,
  enableSql,
  type CaptureDdl,
} from './capture-ddl.ts';
import { expressionFacts, variesInWords } from './watched-columns.ts';

export interface CaptureRepair {
  /** What is wrong, each in a few words; empty where capture is as it should be. */
  faults: string[];
  /** What mends it, with no stronger lock than that takes. */
  statements: string[];
  /** What in text and condition changes without a write of the row, in words; no trigger sees that. */
  varies: string;
}

/** tgtype of each trigger: 1 row, 4 insert, 8 delete, 16 update, 32 truncate (src/include/catalog/pg_trigger.h). */
const TYPES = [1 + 4 + 8, 1 + 16, 32] as const;

interface Found {
  mark: string | null;
  sound: boolean;
  owner: string | null;
  /** The function may write what it notes. */
  mayNote: boolean;
  /** Names of our triggers on the table that are what they should be, enabled or not. */
  whole: string[];
  disabled: { table: string; name: string }[];
}

export async function presentTriggers(db: Queryable, target: Target): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `SELECT tgname::text AS name FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = ANY ($2) ORDER BY 1`,
    [target.table, CAPTURE_TRIGGERS],
  );
  return found.rows.map((row) => row.name);
}

/**
 * What takes away triggers of ours on other tables: one that had the name before, as online schema changes leave it. The
 * function cannot go while they stand.
 */
export async function strayTriggers(db: Queryable, target: Target): Promise<string[]> {
  const found = await db.query<{ schema: string; table: string; name: string }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS table, t.tgname::text AS name
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE t.tgfoid = to_regprocedure($2) AND t.tgparentid = 0 AND t.tgrelid <> $1::oid ORDER BY 1, 2, 3`,
    [target.oid, `${captureFunction(target.backfill)}()`],
  );
  return found.rows.map(
    ({ schema, table, name }) =>
      `DROP TRIGGER IF EXISTS ${quoteName(name)} ON ${quoteQualified({ schema, name: table })}`,
  );
}

/** Whether the triggers and their function are those that text, key and condition want, and armed. Changes nothing. */
export async function neededRepair(pool: Pool, target: Target): Promise<CaptureRepair> {
  const before = await pool.query<{ present: boolean }>(`SELECT ${BEFORE_UPDATE_SQL} AS present`, [
    target.table,
  ]);
  const facts = await expressionFacts(pool, target);
  const wanted = captureDdl(target, {
    hasBeforeUpdate: before.rows[0]?.present === true,
    present: await presentTriggers(pool, target),
    watched: facts.watched,
  });
  return { ...(await captureRepair(pool, target, wanted)), varies: variesInWords(facts.varying) };
}

/** CREATE OR REPLACE by somebody else leaves the comment of a function as it is: its source is compared too. */
async function captureRepair(
  db: Queryable,
  target: Target,
  wanted: CaptureDdl,
): Promise<Omit<CaptureRepair, 'varies'>> {
  const found = await db.query<Found>(
    `WITH f AS (
       SELECT p.*, pg_get_userbyid(p.proowner)::text AS owner, l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.oid = to_regprocedure($3)),
     ours AS (
       SELECT t.*, format('%I.%I', n.nspname, c.relname) AS of_table, t.tgrelid = $1::regclass AS is_root
         FROM pg_trigger t JOIN f ON t.tgfoid = f.oid JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE t.tgrelid IN ${treeSql('$1::regclass')} AND t.tgname = ANY ($2))
     SELECT (SELECT obj_description(oid, 'pg_proc') FROM f) AS mark,
            coalesce((SELECT prosrc = $4 AND prosecdef AND lanname = 'plpgsql' AND proconfig = ARRAY['search_path=' || $5] FROM f), false) AS sound,
            (SELECT owner FROM f) AS owner,
            coalesce((SELECT ${mayNoteSql('proowner')} FROM f), true) AS "mayNote",
            ARRAY(SELECT tgname::text FROM ours JOIN unnest($2::text[], $6::int[]) AS w (name, type) ON w.name = tgname AND w.type = tgtype
                   WHERE is_root AND (tgtype <> ${TYPES[1]} OR tgqual IS NOT NULL)) AS whole,
            coalesce((SELECT jsonb_agg(jsonb_build_object('table', of_table, 'name', tgname) ORDER BY NOT is_root, of_table, tgname)
                        FROM ours WHERE tgenabled <> 'A'), '[]') AS disabled`,
    [target.table, CAPTURE_TRIGGERS, `${wanted.functionName}()`, wanted.body, CAPTURE_PATH, TYPES],
  );
  const { mark, sound, owner, mayNote, whole, disabled } = found.rows[0] as Found;
  const missing = CAPTURE_TRIGGERS.filter((name) => !whole.includes(name));
  const faults = [
    ...missing.map((name) => `trigger ${name} is missing`),
    ...disabled.map(({ table, name }) => `trigger ${name} of ${table} is not enabled always`),
    ...(sound || missing.length === CAPTURE_TRIGGERS.length
      ? []
      : ['the function of the triggers is another one']),
    ...(mayNote ? [] : [`role ${owner}, which owns their function, may not write to the ledger`]),
  ];
  if (mark !== wanted.mark || missing.length > 0)
    return {
      faults: faults.length > 0 ? faults : ['they are of other columns'],
      statements: wanted.statements,
    };
  return {
    faults,
    statements: [
      ...(mayNote ? [] : grantNotesSql(owner ?? '')),
      ...(sound ? [] : wanted.makeFunction),
      ...disabled.map(({ table, name }) => enableSql(table, name)),
    ],
  };
}

/**
 * Under `table` its triggers of ours as they are now, `<oid>:<xmin> …`, the same by partition, as its oid; under `function`
 * their function. Whoever
 * disables, drops or replaces one, and puts it back, leaves another value: rows may have been written meanwhile. Under
 * `traits` what the triggers are made by.
 */
export type CapturePrint = Record<string, string>;

export async function capturePrint(db: Queryable, target: Target): Promise<CapturePrint> {
  const found = await db.query<{ of: string; value: string }>(
    `SELECT CASE WHEN tgrelid = $1::regclass THEN 'table' ELSE tgrelid::text END AS of, string_agg(oid || ':' || xmin, ' ' ORDER BY tgname) AS value FROM pg_trigger
      WHERE tgfoid = to_regprocedure($2) AND tgrelid IN ${treeSql('$1::regclass')} GROUP BY 1
     UNION ALL SELECT 'function', oid || ':' || xmin FROM pg_proc WHERE oid = to_regprocedure($2)
     UNION ALL SELECT 'traits', md5(concat_ws(' ', $3::text, ${BEFORE_UPDATE_SQL}, (SELECT string_agg(attname || ':' || atttypid, ' ' ORDER BY attnum)
                 FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped)))`,
    [
      target.table,
      `${captureFunction(target.backfill)}()`,
      [target.table, ...target.key.map(({ name }) => name), target.text, target.where].join('\n'),
    ],
  );
  return Object.fromEntries(found.rows.map(({ of, value }) => [of, value]));
}
