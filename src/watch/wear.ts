/** What has gathered in the index since it was built: rows that are gone, and more of it than there should be. */

import { quoteQualified } from '../db/identifiers.ts';
import { forecastIndex } from '../finalize/forecast/index-size.ts';
import type { IndexWear } from '../ledger/passes/pass-result.ts';
import type { ReadSettings } from '../ledger/reads/read-settings.ts';
import type { Run } from '../ledger/run/run.ts';
import { withScan } from '../search/queries/vector-query.ts';
import { isReranked } from '../table/candidates.ts';
import { indexedDistance } from '../table/distance.ts';
import { leavesSql, relationBytesSql } from '../table/partitions.ts';
import { storedVectors } from '../table/stored-vectors.ts';
import { findVectorExtension, isAtLeast } from '../table/vector-extension.ts';
import type { SearchContext } from '../verify/measures/systems.ts';
import type { Budget } from './budget.ts';

/** @param entries that the index should have; @param vectors of searches, to meet dead entries where searches do */
export async function indexWear(
  context: SearchContext,
  run: Run,
  entries: number,
  vectors: readonly string[],
  budget: Budget,
): Promise<IndexWear> {
  const { pool, target, settings } = context;
  const found = await pool.query<
    Pick<IndexWear, 'liveRows' | 'deadRows' | 'indexBytes'> & { vacuumedAt: Date | null }
  >(
    `SELECT coalesce(sum(pg_stat_get_live_tuples(leaf.relid)), 0)::float8 AS "liveRows",
            coalesce(sum(pg_stat_get_dead_tuples(leaf.relid)), 0)::float8 AS "deadRows",
            max(greatest(pg_stat_get_last_vacuum_time(leaf.relid), pg_stat_get_last_autovacuum_time(leaf.relid))) AS "vacuumedAt",
            coalesce(${relationBytesSql('to_regclass($2)')}, 0) AS "indexBytes"
       FROM ${leavesSql('$1::regclass')} leaf`,
    [target.store.table, quoteQualified({ schema: target.store.schema, name: target.indexName })],
  );
  const row = found.rows[0];
  const { m, lists } = settings.index;
  const forecast = forecastIndex(entries, run.dimensions, { ...target.indexed, m, lists, parallel: false });
  return {
    liveRows: row?.liveRows ?? 0,
    deadRows: row?.deadRows ?? 0,
    vacuumedAt: row?.vacuumedAt?.toISOString() ?? null,
    indexBytes: row?.indexBytes ?? 0,
    forecastBytes: entries === 0 ? null : forecast.indexBytes,
    builtBytes: run.indexActual?.sizeBytes ?? null,
    deadEntries: await deadEntries(context, entries, vectors, budget),
  };
}

/** Entries that are looked for around a query. */
const LOOKED_AT = 100;
const QUERIES = 20;
/** Of an index of fewer entries for each that is looked for, a scan may come to its end. */
const ENTRIES_FOR_EACH = 3;

/**
 * A scan that does not go on by itself gives as many entries as it looks for, but for those whose rows are gone. That costs
 * as much as a search; to count them all would be to read the index.
 */
async function deadEntries(
  { pool, target, settings, read }: SearchContext,
  entries: number,
  vectors: readonly string[],
  budget: Budget,
): Promise<number | null> {
  const asked = vectors.slice(0, QUERIES);
  if (target.indexed.method !== 'hnsw' || asked.length === 0 || entries < ENTRIES_FOR_EACH * LOOKED_AT)
    return null;
  if (!(await budget.allows())) return null;
  const lookedAt = isReranked(target) ? Math.max(LOOKED_AT, target.candidates) : LOOKED_AT;
  const { version } = await findVectorExtension(pool);
  const order = indexedDistance(target, settings.metric, `$1::${target.vectorPrefix}vector`);
  const from = target.store.kind === 'column' ? target.table : storedVectors(target, 'each');
  const sql = `SELECT pg_catalog.count(*)::pg_catalog.float8 AS live FROM (SELECT 1 FROM ${from} ORDER BY ${order} LIMIT ${lookedAt}) AS pgvb_entries`;
  const once: ReadSettings = {
    ...read,
    ...(isAtLeast(version ?? '0', '0.8.0') ? { 'hnsw.iterative_scan': 'off' } : {}),
    'hnsw.ef_search': String(lookedAt),
  };
  try {
    return await withScan(
      pool,
      target,
      'index',
      async (client) => {
        let dead = 0;
        for (const vector of asked) {
          const found = await client.query<{ live: number }>(sql, [vector]);
          // One entry may stand for several rows of the same vector.
          dead += Math.max(0, 1 - (found.rows[0]?.live ?? 0) / lookedAt);
        }
        return dead / asked.length;
      },
      { read: once, limits: budget.limits },
    );
  } catch (error) {
    budget.ended(error);
    return null;
  }
}
