/** SQL on the ledger that the triggers of change capture run, in the application's transactions. */

import { quoteName } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';

/** For messages, too. */
export const CHANGE_TABLE = `${LEDGER_SCHEMA}.change`;
const MISSED_TABLE = `${LEDGER_SCHEMA}.missed_change`;

/** @param backfill literal @param key SQL of a text, NULL for the whole table */
export const noteChangeSql = (backfill: string, key: string): string =>
  `INSERT INTO ${CHANGE_TABLE} (backfill, key) VALUES (${backfill}, ${key});`;

/** What could not be noted. @param reason SQL of a SQLSTATE */
export const noteMissedSql = (backfill: string, reason: string): string =>
  `INSERT INTO ${MISSED_TABLE} (backfill, reason) VALUES (${backfill}, ${reason});`;

/** Whether that role (SQL of its oid) may note changes. */
export const mayNoteSql = (role: string): string =>
  `has_schema_privilege(${role}, '${LEDGER_SCHEMA}', 'USAGE') AND has_table_privilege(${role}, '${CHANGE_TABLE}', 'INSERT')
     AND has_table_privilege(${role}, '${MISSED_TABLE}', 'INSERT')`;

/** What an owner was deprived of, it may give itself again. */
export const grantNotesSql = (owner: string): string[] => [
  `GRANT USAGE ON SCHEMA ${LEDGER_SCHEMA} TO ${quoteName(owner)}`,
  `GRANT INSERT ON ${CHANGE_TABLE}, ${MISSED_TABLE} TO ${quoteName(owner)}`,
];
