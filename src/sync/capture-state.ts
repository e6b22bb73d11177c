/** The triggers of change capture as the catalog has them now: what is wrong with them, and whether they were touched. */

import { quoteQualified } from '../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../db/migrate.ts';
import type { Queryable } from '../db/pool.ts';
import { mayNoteSql, grantNotesSql } from '../ledger/changes/capture-sql.ts';
import type { CapturePart } from '../ledger/changes/capture-parts.ts';
import { BEFORE_UPDATE_SQL } from '../table/before-update-triggers.ts';
import { treeSql } from '../table/partitions.ts';
import { keyNames } from '../table/key.ts';
import type { Target } from '../table/backfill-target.ts';
import {
  CAPTURE_TRIGGERS,
  captureDdl,
  captureFunction,
  dropFunctionSql,
  dropTriggerSql,
  earlierCaptureFunction,
  enableSql,
  type TableTraits,
} from './capture-ddl.ts';

export interface CaptureRepair {
  /** What is wrong, each in a few words; empty where capture is as it should be. */
  faults: string[];
  /** What mends it, with no stronger lock than that takes. */
  statements: string[];
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

/** Functions that may be there for the backfill: that of the table, and one of its own by an earlier release. */
const functionsFor = (target: Target): string[] => [
  captureFunction(target),
  earlierCaptureFunction(target.backfill),
];

/**
 * What takes all of it away: triggers of ours on this table and on others, which had the name before, as online schema changes
 * leave them; then their functions, which cannot go while they stand. Empty where there is nothing.
 */
export async function dropCapture(db: Queryable, target: Target, present = true): Promise<string[]> {
  const own = present ? await presentTriggers(db, target) : [];
  const strays = await db.query<{ schema: string; table: string; name: string }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS table, t.tgname::text AS name
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE t.tgfoid IN (SELECT to_regprocedure(f) FROM unnest($2::text[]) f) AND t.tgparentid = 0 AND t.tgrelid <> $1::oid ORDER BY 1, 2, 3`,
    [target.oid, functionsFor(target)],
  );
  const functions = await db.query<{ signature: string }>(
    `SELECT f AS signature FROM unnest($1::text[]) f WHERE to_regprocedure(f) IS NOT NULL
     UNION SELECT ${SIGNATURE_SQL} FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE $4 AND t.tgrelid = to_regclass($2) AND t.tgname = ANY ($3) AND n.nspname = '${LEDGER_SCHEMA}' ORDER BY 1`,
    [functionsFor(target), target.table, CAPTURE_TRIGGERS, present],
  );
  return [
    ...strays.rows.map(({ schema, table, name }) =>
      dropTriggerSql(quoteQualified({ schema, name: table }), name),
    ),
    ...own.map((name) => dropTriggerSql(target.table, name)),
    ...functions.rows.map(({ signature }) => dropFunctionSql(signature)),
  ];
}

/** As `captureFunction` writes it. */
const SIGNATURE_SQL = `'${LEDGER_SCHEMA}."' || replace(p.proname::text, '"', '""') || '"()'`;

async function traitsOf(db: Queryable, target: Target): Promise<TableTraits> {
  const found = await db.query<TableTraits>(
    `SELECT ${BEFORE_UPDATE_SQL} AS "hasBeforeUpdate", current_setting('server_version_num')::int >= 140000 AS "canReplace"`,
    [target.table],
  );
  return found.rows[0] ?? { hasBeforeUpdate: true, canReplace: false };
}

/** Functions of ours that triggers of the table call in place of the wanted one, and no other table's. */
async function replacedFunctions(db: Queryable, target: Target, wanted: string): Promise<string[]> {
  const found = await db.query<{ signature: string }>(
    `SELECT DISTINCT ${SIGNATURE_SQL} AS signature
       FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE t.tgrelid = $1::regclass AND t.tgname = ANY ($2) AND n.nspname = '${LEDGER_SCHEMA}' AND p.oid <> coalesce(to_regprocedure($3)::oid, 0)
        AND NOT EXISTS (SELECT 1 FROM pg_trigger o WHERE o.tgfoid = p.oid AND o.tgrelid NOT IN ${treeSql('$1::regclass')})`,
    [target.table, CAPTURE_TRIGGERS, wanted],
  );
  return found.rows.map(({ signature }) => signature);
}

/**
 * What brings triggers and function to note these parts, and no more. CREATE OR REPLACE by somebody else leaves the comment of
 * a function as it is: its source is compared too.
 * @param parts at least one, in the order of their names
 */
export async function captureRepair(
  db: Queryable,
  target: Target,
  parts: readonly CapturePart[],
): Promise<CaptureRepair> {
  const traits = await traitsOf(db, target);
  const wanted = captureDdl(target, parts, traits);
  const found = await db.query<Found>(
    `WITH f AS (
       SELECT p.*, pg_get_userbyid(p.proowner)::text AS owner, l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.oid = to_regprocedure($3)),
     ours AS (
       SELECT t.*, format('%I.%I', n.nspname, c.relname) AS of_table, t.tgrelid = $1::regclass AS is_root
         FROM pg_trigger t JOIN f ON t.tgfoid = f.oid JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE t.tgrelid IN ${treeSql('$1::regclass')} AND t.tgname = ANY ($2))
     SELECT (SELECT obj_description(oid, 'pg_proc') FROM f) AS mark,
            coalesce((SELECT prosrc = $4 AND prosecdef AND lanname = 'plpgsql' AND proconfig @> $5::text[] AND proconfig <@ $5::text[] FROM f), false) AS sound,
            (SELECT owner FROM f) AS owner,
            coalesce((SELECT ${mayNoteSql('proowner')} FROM f), true) AS "mayNote",
            ARRAY(SELECT tgname::text FROM ours JOIN unnest($2::text[], $6::int[]) AS w (name, type) ON w.name = tgname AND w.type = tgtype
                   WHERE is_root AND (tgtype <> ${TYPES[1]} OR tgqual IS NOT NULL)) AS whole,
            coalesce((SELECT jsonb_agg(jsonb_build_object('table', of_table, 'name', tgname) ORDER BY NOT is_root, of_table, tgname)
                        FROM ours WHERE tgenabled <> 'A'), '[]') AS disabled`,
    [target.table, CAPTURE_TRIGGERS, wanted.function, wanted.body, wanted.settings, TYPES],
  );
  const { mark, sound, owner, mayNote, whole, disabled } = found.rows[0] as Found;
  const isMarked = mark === wanted.mark;
  const missing = CAPTURE_TRIGGERS.filter((name) => !whole.includes(name));
  const faults = [
    ...missing.map((name) => `trigger ${name} is missing`),
    ...disabled.map(({ table, name }) => `trigger ${name} of ${table} is not enabled always`),
    ...(sound || missing.length === CAPTURE_TRIGGERS.length
      ? []
      : ['the function of the triggers is another one']),
    ...(mayNote ? [] : [`role ${owner}, which owns their function, may not write to the ledger`]),
  ];
  const { row, update, truncate } = wanted.triggers;
  const remade = [row, update, truncate].filter(
    (each) => missing.includes(each.name as (typeof missing)[number]) || (each === update && !isMarked),
  );
  // Only those that are there: the statement takes a stronger lock than the others, if it finds one or not.
  const present = traits.canReplace ? [] : await presentTriggers(db, target);
  const isRemade = (name: string): boolean => remade.some((each) => each.name === name);
  return {
    faults: faults.length === 0 && !isMarked ? ['they are of other columns'] : faults,
    statements: [
      ...(mayNote ? [] : grantNotesSql(owner ?? '')),
      ...(sound && isMarked ? [] : wanted.makeFunction),
      ...present.filter(isRemade).map((name) => dropTriggerSql(target.table, name)),
      ...remade.map(({ create }) => create),
      ...remade.map(({ enable }) => enable),
      ...disabled.filter(({ name }) => !isRemade(name)).map(({ table, name }) => enableSql(table, name)),
      ...(isMarked ? [] : [wanted.markFunction]),
      ...(await replacedFunctions(db, target, wanted.function)).map(dropFunctionSql),
    ],
  };
}

/**
 * Under `table` its triggers of ours as they are now, `<oid>:<xmin> …`, the same by partition, as its oid; under `function`
 * what they call. Whoever disables, drops or replaces one, and puts it back, leaves another value: rows may have been written
 * meanwhile. Under `traits` what the triggers are made by.
 */
export type CapturePrint = Record<string, string>;

export async function capturePrint(db: Queryable, target: Target): Promise<CapturePrint> {
  const found = await db.query<{ of: string; value: string }>(
    `WITH ours AS (
       SELECT t.oid, t.xmin, t.tgname, t.tgrelid, t.tgfoid FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgrelid IN ${treeSql('$1::regclass')} AND t.tgname = ANY ($2) AND p.pronamespace = to_regnamespace('${LEDGER_SCHEMA}'))
     SELECT CASE WHEN tgrelid = $1::regclass THEN 'table' ELSE tgrelid::text END AS of, string_agg(oid || ':' || xmin, ' ' ORDER BY tgname) AS value FROM ours GROUP BY 1
     UNION ALL SELECT 'function', string_agg(oid || ':' || xmin, ' ' ORDER BY oid) FROM pg_proc WHERE oid IN (SELECT tgfoid FROM ours) HAVING count(*) > 0
     UNION ALL SELECT 'traits', md5(concat_ws(' ', $3::text, ${BEFORE_UPDATE_SQL}, (SELECT string_agg(attname || ':' || atttypid, ' ' ORDER BY attnum)
                 FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped)))`,
    [
      target.table,
      CAPTURE_TRIGGERS,
      [target.table, ...keyNames(target), target.text, target.where].join('\n'),
    ],
  );
  return Object.fromEntries(found.rows.map(({ of, value }) => [of, value]));
}
