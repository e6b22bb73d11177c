/** What the server counts of the vector indexes and their tables, with or without `pg_stat_statements`. */

import { quoteQualified } from '../db/identifiers.ts';
import type { Pool } from '../db/pool.ts';
import { treeSql } from '../table/partitions.ts';
import type { Target } from '../table/backfill-target.ts';

export interface IndexUsage {
  /** With its schema, quoted. */
  index: string;
  /** False where there is none of that name. */
  isPresent: boolean;
  isValid: boolean;
  /** Since the statistics began; of a partitioned index all that its parts have. */
  scans: number;
  /** ISO 8601; null where the server does not tell (before PostgreSQL 16), or there was none. */
  lastScan: string | null;
  secondsSinceScan: number | null;
  table: {
    name: string;
    rows: number;
    sequentialScans: number;
    /** In the mean, of one of them. */
    rowsPerScan: number;
  };
  /** Since when the server counts; null where it never began afresh. */
  since: string | null;
}

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS"Z"'`;

/** Reads catalogs and statistics alone. */
export async function indexUsage(pool: Pool, target: Target): Promise<IndexUsage> {
  const index = quoteQualified({ schema: target.store.schema, name: target.indexName });
  const found = await pool.query<{
    present: boolean;
    valid: boolean;
    scans: number;
    last: string | null;
    ago: number | null;
    rows: number;
    sequential: number;
    read: number;
    since: string | null;
  }>(
    // As JSON, for the column that servers before PostgreSQL 16 do not have.
    `SELECT to_regclass($1) IS NOT NULL AS present, coalesce((SELECT x.indisvalid AND x.indisready FROM pg_index x WHERE x.indexrelid = to_regclass($1)), false) AS valid,
            coalesce(i.scans, 0)::float8 AS scans, to_char(i.last AT TIME ZONE 'UTC', ${ISO}) AS last, extract(epoch FROM clock_timestamp() - i.last)::float8 AS ago,
            coalesce(t.rows, 0)::float8 AS rows, coalesce(t.sequential, 0)::float8 AS sequential, coalesce(t.read, 0)::float8 AS read,
            (SELECT to_char(d.stats_reset AT TIME ZONE 'UTC', ${ISO}) FROM pg_stat_database d WHERE d.datname = current_database()) AS since
       FROM (SELECT sum(s.idx_scan) AS scans, max((to_jsonb(s) ->> 'last_idx_scan')::timestamptz) AS last
               FROM ${treeSql('to_regclass($1)')} parts JOIN pg_stat_all_indexes s ON s.indexrelid = parts.relid) i
      CROSS JOIN (SELECT sum(s.n_live_tup) AS rows, sum(s.seq_scan) AS sequential, sum(s.seq_tup_read) AS read
                    FROM ${treeSql('to_regclass($2)')} parts JOIN pg_stat_all_tables s ON s.relid = parts.relid) t`,
    [index, target.store.table],
  );
  const [row] = found.rows;
  return {
    index,
    isPresent: row?.present ?? false,
    isValid: row?.valid ?? false,
    scans: row?.scans ?? 0,
    lastScan: row?.last ?? null,
    secondsSinceScan: row?.ago ?? null,
    table: {
      name: target.store.table,
      rows: row?.rows ?? 0,
      sequentialScans: row?.sequential ?? 0,
      rowsPerScan: row === undefined || row.sequential === 0 ? 0 : row.read / row.sequential,
    },
    since: row?.since ?? null,
  };
}

/** Longer than a night without searches. */
const LONG_UNUSED_SECONDS = 24 * 3600;

/** One sentence and what to do, where reads go by these vectors and no scan shows it; null where nothing is odd. */
export function usageFault(usage: IndexUsage, isRead: boolean): { why: string; remedy: string } | null {
  if (!usage.isPresent || !usage.isValid)
    return {
      why: usage.isPresent
        ? `index ${usage.index} is not valid: its build did not end, and no statement is served by it`
        : `there is no index ${usage.index}: every search reads the whole table`,
      remedy: 'Run `pgvector-backfill finalize`, which builds it.',
    };
  if (!isRead) return null;
  const isLong = usage.secondsSinceScan !== null && usage.secondsSinceScan > LONG_UNUSED_SECONDS;
  if (usage.scans > 0 && !isLong) return null;
  const when =
    usage.scans === 0 ? `since ${usage.since ?? 'the server began to count'}` : `since ${usage.lastScan}`;
  return {
    why: `reads go by these vectors, and index ${usage.index} was not scanned ${when}`,
    remedy:
      'See which statements search: pg_stat_statements tells, and `pgvector-backfill audit` names those that miss the index.',
  };
}
