import type { Settings } from '../../config/settings.ts';
import { quoteQualified } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import { assertOwnSchema } from '../../db/own-schema.ts';
import type { Queryable } from '../../db/pool.ts';
import { findTable, targetOf, type DescribeOptions, type Target } from '../../table/backfill-target.ts';
import { recordedTable } from './recorded-table.ts';

/**
 * The table of a backfill: as the catalog has it, and as the ledger has recorded it.
 * @throws ConfigError where table or key column do not exist or have a type that is not supported.
 */
export async function describeTarget(
  db: Queryable,
  backfill: string,
  settings: Settings,
  options: DescribeOptions = {},
): Promise<Target> {
  const facts = await findTable(db, settings);
  const { schema, name, oid } = facts;
  const table = quoteQualified({ schema, name });
  await assertOwnSchema(db, LEDGER_SCHEMA, table);
  const recorded = await recordedTable(db, { backfill, table, oid, name, column: settings.column });
  return targetOf(db, backfill, settings, facts, recorded, options);
}
