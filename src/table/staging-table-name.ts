/** What the staging table of a backfill is called: in our own schema, where no tool that looks after the operator's schemas finds it. */

import { createHash } from 'node:crypto';
import { derivedName, type QualifiedName } from '../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../db/migrate.ts';

/** Hexadecimal digits that tell tables of one name in two schemas apart. */
const HASH_DIGITS = 8;

/** @param name bare, of the legacy table */
export const stagingTableName = (name: string, column: string): QualifiedName => ({
  schema: LEDGER_SCHEMA,
  name: derivedName(`${name}_${column}`, '_stage'),
});

/**
 * The one that it gets where a table of the same name in another schema has that, or one with whose column it comes to the
 * same name. @param table quoted schema.table of the legacy table
 */
export function otherStagingTableName(table: string, name: string, column: string): QualifiedName {
  const hash = createHash('sha256').update(table).digest('hex').slice(0, HASH_DIGITS);
  return { schema: LEDGER_SCHEMA, name: derivedName(`${name}_${column}`, `_stage_${hash}`) };
}
