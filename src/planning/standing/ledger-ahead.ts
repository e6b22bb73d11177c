/** Whether the ledger speaks of the rows that are there: one of them may have been restored from an earlier day than the other. */

import type { Queryable } from '../../db/pool.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { keyRefs, legacyKey, sameKeySql } from '../../table/key.ts';
import { sampledPagesSql } from '../../table/sample-rows.ts';
import { vectorColumn, vectorRows } from '../../table/stored-vectors.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from '../checks/finding.ts';

/** Staged rows that are looked at, by their keys. */
const LOOKED_ROWS = 1000;
/** Below it is what a live table has at any moment: rows that were deleted, or written, and are not brought in line yet. */
const USUAL_SHARE = 0.01;

/**
 * Of a sample of the staging table, which has the vector of every row that is embedded. Of a run that is over: before its end
 * rows are staged and not merged.
 */
export async function checkLedgerAhead(db: Queryable, target: Target): Promise<Finding[]> {
  const rows = Math.max(1, await estimatedRows(db, target.stage));
  const isSame = sameKeySql(target, legacyKey(target), keyRefs(target, 'pgvb_looked.'));
  const found = await db.query<{ looked: number; gone: number; bare: number }>(
    `SELECT count(*)::int AS looked, count(*) FILTER (WHERE NOT present)::int AS gone, count(*) FILTER (WHERE present AND NOT embedded)::int AS bare
       FROM (SELECT EXISTS (SELECT 1 FROM ${target.table} WHERE ${isSame}) AS present,
                    EXISTS (SELECT 1 FROM ${vectorRows(target, 'first')} WHERE ${isSame} AND ${vectorColumn(target)} IS NOT NULL) AS embedded
               FROM (SELECT * FROM ${target.stage} ${sampledPagesSql()} LIMIT ${LOOKED_ROWS}) pgvb_looked) each_row`,
    [Math.min(100, (100 * 2 * LOOKED_ROWS) / rows)],
  );
  const { looked = 0, gone = 0, bare = 0 } = found.rows[0] ?? {};
  if (gone + bare <= Math.max(1, USUAL_SHARE * looked)) return [];
  return [
    {
      level: 'warn',
      check: 'ledger-ahead',
      message: `The ledger is of other rows than the table has: of ${looked} that it has embedded, ${gone} are not there and ${bare} have no vector, as where the table was restored from another day than schema pgvector_backfill.`,
      remedy:
        'Run `pgvector-backfill enqueue` and let workers run: what is missing is written from what is staged where the text is the same, and what has gone is cleared.',
      measurements: { looked, gone, withoutVector: bare },
    },
  ];
}
