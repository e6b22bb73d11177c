/** The triggers that write the keys of changed rows into the ledger, as SQL text. */

import { createHash } from 'node:crypto';
import { derivedName, quoteLiteral, quoteName } from '../db/identifiers.ts';
import type { Target } from '../table/target.ts';

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
  statements: string[];
  /** Stands in the function's comment: another definition is another mark. */
  mark: string;
}

const PREFIX = 'pgvector_backfill_capture';
export const CAPTURE_TRIGGERS = [`${PREFIX}_row`, `${PREFIX}_update`, `${PREFIX}_truncate`] as const;

/** Every backfill its own function: names of columns are static there, which dynamic SQL would pay for at each row. */
export function captureFunction(backfill: string): string {
  const hash = createHash('sha256').update(backfill).digest('hex').slice(0, 8);
  return `pgvector_backfill.${quoteName(derivedName(backfill, `_capture_${hash}`))}`;
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
  const makeFunction = [
    functionSql(target, functionName),
    `REVOKE ALL ON FUNCTION ${functionName}() FROM PUBLIC`,
  ];
  const makeTriggers = [
    `CREATE TRIGGER ${row} AFTER INSERT OR DELETE ON ${target.table} FOR EACH ROW ${execute}`,
    `CREATE TRIGGER ${update} AFTER UPDATE${list} ON ${target.table} FOR EACH ROW WHEN (${traits.watched.map(differs).join(' OR ')}) ${execute}`,
    `CREATE TRIGGER ${truncate} AFTER TRUNCATE ON ${target.table} FOR EACH STATEMENT ${execute}`,
    // What logical replication or a session_replication_role of replica writes is no less new.
    ...CAPTURE_TRIGGERS.map((name) => `ALTER TABLE ${target.table} ENABLE ALWAYS TRIGGER ${name}`),
  ];
  const definition = createHash('sha256').update([...makeFunction, ...makeTriggers].join(';'));
  const mark = `pgvector-backfill change capture of ${target.backfill}, ${definition.digest('hex').slice(0, 16)}`;
  return {
    functionName,
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

/** As bytes: types without an equality and collations that overlook differences are compared all the same. */
const differs = (column: string): string =>
  `OLD.${quoteName(column)}::text COLLATE "C" IS DISTINCT FROM NEW.${quoteName(column)}::text COLLATE "C"`;

/** Runs with its owner's rights and looks nothing up in schemas of others; whoever writes to the table needs no right on ours. */
function functionSql(target: Target, functionName: string): string {
  const key = quoteName(target.key);
  const note = (value: string): string =>
    `INSERT INTO pgvector_backfill.change (backfill, key) VALUES (${quoteLiteral(target.backfill)}, ${value});`;
  const body = `
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    ${note('NULL')}
    RETURN NULL;
  END IF;
  IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.${key} <> NEW.${key}) THEN
    ${note(`OLD.${key}::text`)}
  END IF;
  IF TG_OP <> 'DELETE' THEN
    ${note(`NEW.${key}::text`)}
  END IF;
  RETURN NULL;
END
`;
  return `CREATE OR REPLACE FUNCTION ${functionName}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ${quoteLiteral(body)}`;
}

const dropTriggers = (target: Target, triggers: readonly string[]): string[] =>
  triggers.map((name) => `DROP TRIGGER IF EXISTS ${quoteName(name)} ON ${target.table}`);

export function dropCaptureDdl(target: Target, present: readonly string[]): string[] {
  return [...dropTriggers(target, present), `DROP FUNCTION IF EXISTS ${captureFunction(target.backfill)}()`];
}
