/** The triggers that write the keys of changed rows into the ledger, as SQL text: one function for all backfills of a table. */

import { createHash } from 'node:crypto';
import { derivedName, quoteLiteral, quoteName } from '../db/identifiers.ts';
import type { CapturePart } from '../ledger/changes/capture-parts.ts';
import type { Target } from '../table/backfill-target.ts';
import { anyDiffers, captureBody, hashOf, watchedByAny } from './capture-body.ts';
import { keyDefinition, sharedParts } from './shared-part.ts';

export interface TableTraits {
  /** BEFORE UPDATE triggers may change columns that the statement does not name. */
  hasBeforeUpdate: boolean;
  /** The server can put a trigger in the place of another one (PostgreSQL 14), which keeps no reader waiting. */
  canReplace: boolean;
}

/** A trigger that is made, or one that is as it should be, apart from whether it is enabled. */
export interface CaptureTrigger {
  name: string;
  create: string;
  enable: string;
}

export interface CaptureDdl {
  /** Quoted, with its schema and parentheses. */
  function: string;
  /** Its source, as pg_proc.prosrc has it. */
  body: string;
  /** Its settings, as pg_proc.proconfig has them. */
  settings: string[];
  /** Make or mend the function; no lock on the table. */
  makeFunction: string[];
  triggers: { row: CaptureTrigger; update: CaptureTrigger; truncate: CaptureTrigger };
  /** Stands in the function's comment: other columns or other backfills are another mark. */
  mark: string;
  markFunction: string;
}

const PREFIX = 'pgvector_backfill_capture';
export const CAPTURE_TRIGGERS = [`${PREFIX}_row`, `${PREFIX}_update`, `${PREFIX}_truncate`] as const;

const CAPTURE_PATH = 'pg_catalog, pg_temp';
/** Of keys whose text hangs on settings: as our own sessions have them. Each row pays for it, so where it need not, it does not. */
const TEXT_STYLES = {
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
} as const;

/** Every table its own function: names of columns are static there, which dynamic SQL would pay for at each row. */
export const captureFunction = ({ name, table }: Pick<Target, 'name' | 'table'>): string =>
  `pgvector_backfill.${quoteName(derivedName(name, `_capture_${hashOf(table)}`))}()`;

/** In earlier releases every backfill had its own, and a table one backfill. */
export const earlierCaptureFunction = (backfill: string): string =>
  `pgvector_backfill.${quoteName(derivedName(backfill, `_capture_${hashOf(backfill)}`))}()`;

/**
 * Row by row, although statement triggers with transition tables cost less where a statement writes many rows: those see
 * neither what is written to a partition directly nor what logical replication applies, and they take no list of columns,
 * so that each merge of our own and each update of any other column would pay for them.
 * @param ofAll parts, at least one, in the order of their names
 */
export function captureDdl(target: Target, ofAll: readonly CapturePart[], traits: TableTraits): CaptureDdl {
  const parts = sharedParts(ofAll);
  const called = captureFunction(target);
  const watched = watchedByAny(parts);
  const [row, update, truncate] = CAPTURE_TRIGGERS;
  const create = traits.canReplace ? 'CREATE OR REPLACE TRIGGER' : 'CREATE TRIGGER';
  const execute = `EXECUTE FUNCTION ${called}`;
  // The list spares statements about other columns; a BEFORE trigger may set ours all the same, then the comparison decides.
  const list = traits.hasBeforeUpdate ? '' : ` OF ${watched.map(quoteName).join(', ')}`;
  const body = captureBody(parts);
  const isStyled = parts.some(({ key }) => key.some((column) => column.isStyled));
  const styles = isStyled ? Object.entries(TEXT_STYLES) : [];
  const set = styles.map(([name, value]) => ` SET ${quoteName(name)} = ${quoteLiteral(value)}`).join('');
  const trigger = (name: string, definition: string): CaptureTrigger => ({
    name,
    create: `${create} ${name} ${definition} ${execute}`,
    // What logical replication or a session_replication_role of replica writes is no less new.
    enable: enableSql(target.table, name),
  });
  const triggers = {
    row: trigger(row, `AFTER INSERT OR DELETE ON ${target.table} FOR EACH ROW`),
    update: trigger(
      update,
      `AFTER UPDATE${list} ON ${target.table} FOR EACH ROW WHEN (${anyDiffers(watched)})`,
    ),
    truncate: trigger(truncate, `AFTER TRUNCATE ON ${target.table} FOR EACH STATEMENT`),
  };
  const definition = createHash('sha256').update(
    JSON.stringify([list, parts.map((part) => [part.backfill, partDefinition(part)])]),
  );
  const mark = `pgvector-backfill change capture, ${definition.digest('hex').slice(0, 16)}`;
  return {
    function: called,
    body,
    settings: [`search_path=${CAPTURE_PATH}`, ...styles.map(([name, value]) => `${name}=${value}`)],
    makeFunction: [
      `CREATE OR REPLACE FUNCTION ${called} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ${CAPTURE_PATH}${set} AS ${quoteLiteral(body)}`,
      `REVOKE ALL ON FUNCTION ${called} FROM PUBLIC`,
    ],
    triggers,
    mark,
    markFunction: `COMMENT ON FUNCTION ${called} IS ${quoteLiteral(mark)}`,
  };
}

/** What of a part makes the triggers, in one order, however the ledger gives it back. */
export const partDefinition = ({ key, watched }: CapturePart): string =>
  JSON.stringify([keyDefinition(key), watched]);

/** @param table quoted */
export const enableSql = (table: string, trigger: string): string =>
  `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${quoteName(trigger)}`;

/** @param table quoted */
export const dropTriggerSql = (table: string, trigger: string): string =>
  `DROP TRIGGER IF EXISTS ${quoteName(trigger)} ON ${table}`;

/** @param signature quoted, with schema and parentheses */
export const dropFunctionSql = (signature: string): string => `DROP FUNCTION IF EXISTS ${signature}`;
