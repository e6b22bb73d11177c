/** The table as the way back needs it: found by what was put there, whatever has become of its key, its text or its name. */

import type { Settings } from '../config/settings.ts';
import { parseQualified, quoteName, quoteQualified } from '../db/identifiers.ts';
import { operatorRegclassSql } from '../db/search-path.ts';
import { ledgerVersion } from '../db/migrate.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { otherBackfills } from '../ledger/backfill/remove.ts';
import { captureFunction, earlierCaptureFunction } from '../sync/capture-ddl.ts';
import { recordedNames, recordedTable } from '../ledger/backfill/recorded-table.ts';
import { indexPlan } from '../table/index-plan.ts';
import { withIndex, type Target } from '../table/backfill-target.ts';
import { storeOf } from '../table/store.ts';
import { findVectorExtension } from '../table/vector-extension.ts';

/**
 * Where its triggers are, or by the name in the ledger. `present`: false where the table is gone, and all that was added to
 * it with it.
 */
export async function rollbackTarget(
  db: Queryable,
  backfill: string,
  settings: Settings,
): Promise<{ target: Target; present: boolean }> {
  const ledger = await recordedNames(db, backfill);
  // Of a ledger that was cut off at its very beginning nothing is known but what the configuration says.
  const wanted = ledger?.table ?? quoteQualified(parseQualified(settings.table, 'Option table'));
  const named = parseQualified(wanted, 'The table in the ledger');
  const found = await db.query<{ schema: string; name: string; oid: string; isPartitioned: boolean }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS name, c.oid::text AS oid, c.relkind = 'p' AS "isPartitioned"
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = coalesce((SELECT tgrelid FROM pg_trigger WHERE tgfoid IN (SELECT to_regprocedure(f) FROM unnest($1::text[]) f) AND tgparentid = 0
                             -- Another table may have had the name, and our triggers, before.
                             ORDER BY tgrelid IS DISTINCT FROM ${operatorRegclassSql('$2')} LIMIT 1),
                             ${operatorRegclassSql('$2')}, $3::oid)`,
    [
      [captureFunction({ name: named.name, table: wanted }), earlierCaptureFunction(backfill)],
      wanted,
      ledger?.captured ?? null,
    ],
  );
  const [table] = found.rows;
  const { schema, name, oid, isPartitioned } = table ?? {
    schema: named.schema ?? 'public',
    name: named.name,
    oid: '0',
    isPartitioned: false,
  };
  const quoted = quoteQualified({ schema, name });
  const recorded = await recordedTable(db, {
    backfill,
    table: quoted,
    oid,
    name,
    column: settings.column,
  });
  const stage = ledger?.stage ?? quoteQualified(recorded.stage);
  const indexed = indexPlan(settings, null, recorded.indexPlan);
  const target: Target = {
    backfill,
    schema,
    name,
    table: quoted,
    oid,
    isPartitioned,
    ref: quoteName(name),
    key: [],
    keyIndex: null,
    text: "''",
    where: '(true)',
    names: {},
    store: storeOf(settings, { schema, name, isPartitioned }, recorded.beside),
    column: settings.column,
    updatedAtColumn: settings.updatedAtColumn,
    stage,
    stageName: parseQualified(stage, 'The staging table in the ledger').name,
    vectorPrefix: (await findVectorExtension(db)).prefix,
    vectorSchema: null,
    columnType: settings.columnType,
    dimensions: null,
    indexed,
    hasPassages: settings.model.longText === 'chunks',
    candidates: settings.index.candidates,
    indexName: '',
    indexStem: recorded.indexStem,
    searchStem: recorded.searchStem,
  };
  return { target: withIndex(target, indexed), present: table !== undefined };
}

/** In the ledger; or there is a ledger and nobody in it, which one that was cut off at its very beginning leaves behind. */
export async function isKnown(pool: Pool, backfill: string): Promise<boolean> {
  if ((await ledgerVersion(pool)) === 0) return false;
  return (
    (await recordedNames(pool, backfill)) !== null || (await otherBackfills(pool, backfill)).length === 0
  );
}
