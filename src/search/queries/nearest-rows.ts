/** Nearest rows as searches are answered: k of them wherever so many are there, whatever the index has left of them. */

import type { Pool } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { TABLE_LIMITS } from '../../db/transaction.ts';
import type { Metric } from '../../table/metric.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { FilterRowCounts } from './filter-row-counts.ts';
import { forDepth } from '../../ledger/reads/read-settings.ts';
import { scanDepth } from '../../table/candidates.ts';
import { nearest, type ScanOptions, type TimedNeighbours } from './vector-query.ts';

export interface NearestRowsOptions extends ScanOptions {
  /** Rows that are enough, where more than these are only welcome; `k` where absent. */
  enough?: number;
  /** What was seen of earlier short answers; without it each reads the table. */
  known?: FilterRowCounts | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Longest reading of the table for what the index did not give, ms. Behind it the short answer stands: it may be all there
 * is, and a search that has hits must not fail for those that it might have.
 */
const WHOLE_TABLE_MS = 10_000;

/**
 * An index scan may end too early even where it goes on by itself: at hnsw.max_scan_tuples (20,000) dead or unwanted entries,
 * at its memory, with nodes that no way leads to; before pgvector 0.8 at its first candidates. So a short answer is asked for
 * again without the index.
 * @throws ConfigError where the filter does not run
 */
export async function nearestRows(
  pool: Pool,
  target: Target,
  metric: Metric,
  vector: string,
  k: number,
  options: NearestRowsOptions = {},
): Promise<TimedNeighbours> {
  const { filter = null, read = {}, limits = { ...TABLE_LIMITS, tries: 2 }, enough = k, known } = options;
  const scan = { filter, read: forDepth(read, scanDepth(target, k)), limits };
  const found = await nearest(pool, target, metric, vector, k, 'planned', scan);
  const { length } = found.neighbours;
  if (length >= Math.min(k, enough) || known?.areAll(filter, length) === true) return found;
  options.signal?.throwIfAborted();
  const statementTimeoutMs = Math.min(limits.statementTimeoutMs, WHOLE_TABLE_MS);
  const bounded = { filter, limits: { ...limits, statementTimeoutMs, tries: 1 } };
  try {
    const whole = await nearest(pool, target, metric, vector, k, 'unindexed', bounded);
    if (whole.neighbours.length < k) known?.note(filter, whole.neighbours.length);
    return { ...whole, milliseconds: found.milliseconds + whole.milliseconds };
  } catch (error) {
    if (!hasSqlState(error, SQLSTATE.queryCanceled)) throw error;
    known?.note(filter, 0);
    return found;
  }
}
