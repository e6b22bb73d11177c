/** Why the planner does not take the vector index, from the catalog and the server's settings, and what to do about it. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { configuredQueries } from '../../db/transaction.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import type { Target } from '../../table/backfill-target.ts';
import { operatorClass } from '../../table/vector-type.ts';

export const PLAN_REASONS = {
  index: { why: 'the planner uses the index by itself', remedy: null },
  'small-table': {
    why: 'the table is so small that the planner reads all of it; the index serves the query once that is dearer',
    remedy: null,
  },
  cost: {
    why: 'the index can serve the query, but the planner holds another path for cheaper, such as an index of the filter’s columns; its answer is exact',
    remedy: null,
  },
  'cost-settings': {
    why: 'the index can serve the query, but the planner holds reading the whole table, which is not small, for cheaper',
    remedy:
      'ANALYZE the table, and set what the planner reckons with: random_page_cost (1.1 on solid-state disks), effective_cache_size, seq_page_cost; pgvector 0.8 or newer reckons better.',
  },
  'filter-scan': {
    why: 'the planner holds reading the whole table, which is not small, for the cheapest way to the rows of this filter',
    remedy:
      'Make an index of the filter’s columns, or a partial vector index with its condition; then ANALYZE the table.',
  },
  'other-index': {
    why: 'another vector index serves the query, not the one that this backfill has built and verified',
    remedy:
      'Drop that index, and run `pgvector-backfill finalize` where that of the backfill is not there: two of them cost every write twice.',
  },
  disabled: {
    why: 'enable_indexscan is off for this user, database or server',
    remedy: 'Turn enable_indexscan on where it is set: ALTER ROLE, ALTER DATABASE or postgresql.conf.',
  },
  'no-index': {
    why: 'the vector column has no HNSW or IVFFlat index',
    remedy: 'Run `pgvector-backfill finalize`, which builds it.',
  },
  'invalid-index': {
    why: 'the index is not valid: its build did not end',
    remedy: 'Run `pgvector-backfill finalize`, which drops it and builds it again.',
  },
  cast: {
    why: 'the index is on an expression, such as a cast to halfvec or the bits of the vector, and the query is not, or the other way round: an index serves queries with the very same expression only',
    remedy: `Set ${optionName('index.type')} to the type that the index was built for, or drop it and run \`pgvector-backfill finalize\`.`,
  },
  partial: {
    why: 'the index is partial, and its condition does not follow from the query’s',
    remedy: `Run \`pgvector-backfill finalize\` for an index of all rows, or set ${optionName('where')} to its condition.`,
  },
  operator: {
    why: 'the index is for another distance than the option metric',
    remedy: `Set ${optionName('metric')} to the distance of the index, or drop it and run \`pgvector-backfill finalize\`.`,
  },
  unknown: {
    why: 'the planner cannot use the index for this query',
    remedy: 'Compare metric, index and column: \\d of the table in psql, and EXPLAIN of the query.',
  },
} as const satisfies Record<string, { why: string; remedy: string | null }>;

export type PlanReason = keyof typeof PLAN_REASONS;

/** Of `halfvec_cosine_ops`: `halfvec`. */
const typeOf = (operators: string): string => operators.split('_')[0] ?? '';

interface VectorIndex {
  name: string;
  operatorClass: string;
  expression: boolean;
  partial: boolean;
  valid: boolean;
}

/** Rows up to which reading all of them takes no time that a search would notice. */
const SMALL_ROWS = 10_000;

export interface OtherPlan {
  /** Whether the index was used once other paths were turned off. */
  usable: boolean;
  filtered: boolean;
  /** Whether the planner reads the whole table. */
  readsAll: boolean;
  /** Indexes that it reads the table by. */
  by: readonly string[];
}

export async function explainReason(
  { pool, target, settings }: { pool: Pool; target: Target; settings: Settings },
  { usable, filtered, readsAll, by }: OtherPlan,
): Promise<PlanReason> {
  // As searches have it: our own statements turn it on for themselves.
  const enabled = await configuredQueries(pool).query<{ enabled: string }>(
    `SELECT current_setting('enable_indexscan') AS enabled`,
  );
  if (enabled.rows[0]?.enabled === 'off') return 'disabled';
  const found = await pool.query<VectorIndex>(
    `SELECT c.relname::text AS name, o.opcname::text AS "operatorClass", i.indkey[0] = 0 AS expression,
            i.indpred IS NOT NULL AS partial, i.indisvalid AND i.indisready AS valid
       FROM pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid
       JOIN pg_am am ON am.oid = c.relam AND am.amname IN ('hnsw', 'ivfflat')
       JOIN pg_opclass o ON o.oid = i.indclass[0]
       LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = $1::regclass AND (a.attname = $2 OR i.indkey[0] = 0)`,
    [target.store.table, target.store.column],
  );
  if (found.rows.some(({ name }) => by.includes(name))) return 'other-index';
  if (usable) {
    const small = !readsAll || (await estimatedRows(pool, target.store.table)) <= SMALL_ROWS;
    if (filtered) return small ? 'cost' : 'filter-scan';
    return small ? 'small-table' : 'cost-settings';
  }
  // That of our name first: with it gone, another one says more than that there is none.
  const index = found.rows.find(({ name }) => name === target.indexName) ?? found.rows[0];
  if (index === undefined) return 'no-index';
  if (!index.valid) return 'invalid-index';
  const { indexed, columnType } = target;
  if (index.expression !== (indexed.type !== columnType)) return 'cast';
  const wanted = operatorClass(settings.metric, indexed.type);
  if (typeOf(index.operatorClass) !== typeOf(wanted)) return 'cast';
  if (index.operatorClass !== wanted) return 'operator';
  if (index.partial) return 'partial';
  return 'unknown';
}
