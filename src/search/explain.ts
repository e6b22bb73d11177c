/** The SQL of both searches and how the server would run it. Nothing is run. */

import type { Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState, isUnreachable } from '../db/sqlstates.ts';
import { TABLE_LIMITS, inReadOnlySearch } from '../db/transaction.ts';
import type { CompareInput } from './compare.ts';
import type { Filter } from './queries/filter.ts';
import { legacyQuery } from './queries/legacy-query.ts';
import { embedQuery } from './queries/query-vector.ts';
import { forDepth, loadReadSettings } from '../ledger/reads/read-settings.ts';
import { scanDepth } from '../table/candidates.ts';
import { unencodableQuery } from './queries/unencodable-query.ts';
import { nearestSql, nearestValues, withScan } from './queries/vector-query.ts';

export interface Explained {
  sql: string;
  /** As EXPLAIN prints it; a vector in it is cut. */
  plan: string;
}

const VECTOR = /'\[[^\]']{40,}\]'/g;

async function planOf(db: Queryable, sql: string, values: unknown[]): Promise<Explained> {
  const found = await db.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values);
  const plan = found.rows.map((row) => row['QUERY PLAN']).join('\n');
  return { sql, plan: plan.replaceAll(VECTOR, "'[…]'") };
}

export async function explainSearches(
  { pool, target, settings, embedder }: CompareInput,
  text: string,
  k: number,
  filter: Filter | null,
): Promise<{ legacy: Explained; vector: Explained }> {
  const vector = await embedQuery(embedder, text);
  const read = forDepth(await loadReadSettings(pool, target.backfill), scanDepth(target, k));
  const { sql, values } = legacyQuery(target, settings, text, k, filter);
  return {
    // Planning may call functions of the operator's SQL.
    // Where it does not run, the comparison says so.
    legacy: await inReadOnlySearch(pool, TABLE_LIMITS, (client) => planOf(client, sql, values)).catch(
      (error: unknown) => {
        const notHeld = unencodableQuery(error, text);
        if (notHeld !== null) return { sql, plan: notHeld.message };
        if (isUnreachable(error) && !hasSqlState(error, SQLSTATE.protocolViolation)) throw error;
        return { sql, plan: '' };
      },
    ),
    vector: await withScan(
      pool,
      target,
      'planned',
      (client) =>
        planOf(
          client,
          nearestSql(target, settings.metric, filter, 'planned', read),
          nearestValues(filter, vector, k),
        ),
      { filter, read },
    ),
  };
}
