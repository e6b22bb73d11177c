/** The triggers that write the keys of changed rows into the ledger, as SQL text. */

import { createHash } from 'node:crypto';
import { derivedName, quoteLiteral, quoteName } from '../db/identifiers.ts';
import { noteChangeSql, noteMissedSql } from '../ledger/changes/capture-sql.ts';
import type { Target } from '../table/backfill-target.ts';
import { hasStyledText, keyRefs, keyTextSql } from '../table/key.ts';

export interface TableTraits {
  /** BEFORE UPDATE triggers may change columns that the statement does not name. */
  hasBeforeUpdate: boolean;
  /** Triggers of ours that are there already, of whatever definition. */
  present: readonly string[];
  /** Columns that text, key and condition are made of. */
  watched: readonly string[];
}

export interface CaptureDdl {
  /** Quoted, with its schema. */
  functionName: string;
  /** Its source, as pg_proc.prosrc has it. */
  body: string;
  /** Make or mend the function; no lock on the table. */
  makeFunction: string[];
  /** All of it, in place of what is there. */
  statements: string[];
  /** Stands in the function's comment: other triggers are another mark. */
  mark: string;
}

const PREFIX = 'pgvector_backfill_capture';
export const CAPTURE_TRIGGERS = [`${PREFIX}_row`, `${PREFIX}_update`, `${PREFIX}_truncate`] as const;

/** Of keys whose text hangs on settings: as our own sessions have them. Each row pays for it, so where it need not, it does not. */
const TEXT_STYLES = ` SET "DateStyle" = 'ISO' SET "IntervalStyle" = 'postgres' SET bytea_output = 'hex' SET extra_float_digits = 1`;

export const CAPTURE_PATH = 'pg_catalog, pg_temp';
/** The most that a statement of the application waits for a lock on the ledger, once a transaction: less than a person notices. */
const LOCK_WAIT_MS = 250;

const hashOf = (backfill: string): string => createHash('sha256').update(backfill).digest('hex').slice(0, 8);

/** How the rows of one transaction know of each other. */
const captureSetting = (backfill: string): string => `pgvector_backfill.capture_${hashOf(backfill)}`;

/** Every backfill its own function: names of columns are static there, which dynamic SQL would pay for at each row. */
export function captureFunction(backfill: string): string {
  return `pgvector_backfill.${quoteName(derivedName(backfill, `_capture_${hashOf(backfill)}`))}`;
}

/**
 * Row by row, although statement triggers with transition tables cost less where a statement writes many rows: those see
 * neither what is written to a partition directly nor what logical replication applies, and they take no list of columns,
 * so that each merge of our own and each update of any other column would pay for them.
 */
export function captureDdl(target: Target, traits: TableTraits): CaptureDdl {
  const functionName = captureFunction(target.backfill);
  const [row, update, truncate] = CAPTURE_TRIGGERS;
  const execute = `EXECUTE FUNCTION ${functionName}()`;
  // The list spares statements about other columns; a BEFORE trigger may set ours all the same, then the comparison decides.
  const list = traits.hasBeforeUpdate ? '' : ` OF ${traits.watched.map(quoteName).join(', ')}`;
  const body = captureBody(target);
  const makeFunction = [
    `CREATE OR REPLACE FUNCTION ${functionName}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ${CAPTURE_PATH}${hasStyledText(target) ? TEXT_STYLES : ''} AS ${quoteLiteral(body)}`,
    `REVOKE ALL ON FUNCTION ${functionName}() FROM PUBLIC`,
  ];
  const makeTriggers = [
    `CREATE TRIGGER ${row} AFTER INSERT OR DELETE ON ${target.table} FOR EACH ROW ${execute}`,
    `CREATE TRIGGER ${update} AFTER UPDATE${list} ON ${target.table} FOR EACH ROW WHEN (${traits.watched.map(differs).join(' OR ')}) ${execute}`,
    `CREATE TRIGGER ${truncate} AFTER TRUNCATE ON ${target.table} FOR EACH STATEMENT ${execute}`,
    // What logical replication or a session_replication_role of replica writes is no less new.
    ...CAPTURE_TRIGGERS.map((name) => enableSql(target.table, name)),
  ];
  const definition = createHash('sha256').update(makeTriggers.join(';'));
  const mark = `pgvector-backfill change capture of ${target.backfill}, ${definition.digest('hex').slice(0, 16)}`;
  return {
    functionName,
    body,
    makeFunction,
    mark,
    statements: [
      ...makeFunction,
      // Only those that are there: the statement takes a stronger lock than the others, if it finds one or not.
      ...dropTriggers(target, traits.present),
      ...makeTriggers,
      `COMMENT ON FUNCTION ${functionName}() IS ${quoteLiteral(mark)}`,
    ],
  };
}

/** @param table quoted */
export const enableSql = (table: string, trigger: string): string =>
  `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${quoteName(trigger)}`;

/** As bytes: types without an equality and collations that overlook differences are compared all the same. */
const differs = (column: string): string =>
  `OLD.${quoteName(column)}::text COLLATE "C" IS DISTINCT FROM NEW.${quoteName(column)}::text COLLATE "C"`;

/**
 * Runs with its owner's rights and looks nothing up in schemas of others; whoever writes to the table needs no right on ours.
 *
 * Whatever is wrong (the key has another name, the ledger is locked, missing or not to be written to), the statement of the
 * application goes through: what cannot be noted row by row is noted as missed, once a transaction, and the table is swept.
 * - The key is read in a block of its own: one that writes nothing costs a third of a microsecond and no transaction id.
 * - A block that writes takes a transaction id, and a snapshot of everybody else's suffers beyond 64 of them. So only the
 *   first note of a transaction is made inside the block; it leaves its lock and a setting that ends with the transaction,
 *   and the rows behind it are noted without.
 * - It never waits long for a lock on the ledger, and no second time.
 */
function captureBody(target: Target): string {
  const before = keyRefs(target, 'OLD.');
  const after = keyRefs(target, 'NEW.');
  // As text where two ways to write one value are two keys of the ledger.
  const moved = target.key
    .map(({ isCanonical }, at) =>
      isCanonical
        ? `${before[at]} <> ${after[at]}`
        : `${before[at]}::text COLLATE "C" <> ${after[at]}::text COLLATE "C"`,
    )
    .join(' OR ');
  const backfill = quoteLiteral(target.backfill);
  const state = quoteLiteral(captureSetting(target.backfill));
  // Assigned, not performed, which would be a query; and not a setting of the function, which each row would pay for.
  const wait = `done := set_config('lock_timeout', '${LOCK_WAIT_MS}ms', true);`;
  const restore = (value: string): string =>
    `done := set_config('lock_timeout', waits, true) || set_config(${state}, '${value}', true);`;
  const insert = (value: string): string => noteChangeSql(backfill, value);
  const note = (indent: string): string =>
    [
      `IF key_before IS NOT NULL OR TG_OP = 'TRUNCATE' THEN ${insert('key_before')} END IF;`,
      `IF key_after IS NOT NULL THEN ${insert('key_after')} END IF;`,
    ].join(`\n${indent}`);
  return `
DECLARE
  state text := current_setting(${state}, true);
  key_before text;
  key_after text;
  waits text;
  done text;
  missed text;
BEGIN
  IF state = 'missed' THEN RETURN NULL; END IF;
  BEGIN
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND ${target.key.length === 1 ? moved : `(${moved})`}) THEN key_before := ${keyTextSql(target, before)}; END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' THEN key_after := ${keyTextSql(target, after)}; END IF;
    IF state IS DISTINCT FROM 'noted' THEN
      waits := current_setting('lock_timeout');
      ${wait}
      ${note('      ')}
      ${restore('noted')}
      RETURN NULL;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    missed := SQLSTATE;
  END;
  IF missed IS NULL THEN
    ${note('    ')}
    RETURN NULL;
  END IF;
  waits := current_setting('lock_timeout');
  BEGIN
    ${wait}
    ${noteMissedSql(backfill, 'missed')}
  EXCEPTION WHEN OTHERS THEN
    BEGIN
      ${wait}
      ${insert('NULL')}
    EXCEPTION WHEN OTHERS THEN
      RAISE LOG 'pgvector-backfill % could not note changes of % (SQLSTATE %): the next sweep finds them', ${backfill}, TG_RELID::regclass, missed;
    END;
  END;
  ${restore('missed')}
  RETURN NULL;
END
`;
}

const dropTriggers = (target: Target, triggers: readonly string[]): string[] =>
  triggers.map((name) => `DROP TRIGGER IF EXISTS ${quoteName(name)} ON ${target.table}`);

export function dropCaptureDdl(target: Target, present: readonly string[]): string[] {
  return [...dropTriggers(target, present), `DROP FUNCTION IF EXISTS ${captureFunction(target.backfill)}()`];
}
