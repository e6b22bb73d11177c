/** How large the table and what belongs to it are, all its parts together. */

import type { Queryable } from '../db/pool.ts';
import { leavesSql } from './partitions.ts';
import type { Target } from './backfill-target.ts';

export interface TableSizes {
  heapBytes: number;
  /** Values out of line, with their index. */
  toastBytes: number;
  /** Indexes but those on vectors. */
  otherIndexBytes: number;
  /** Of the largest number that a part has. */
  otherIndexes: number;
  stageBytes: number;
  /** Of vectors beside the table, without their vector index; absent where they are in a column. */
  tableBytes?: number;
  /** WAL that the server has written so far; null where it cannot be read. */
  walBytes: number | null;
}

export async function tableSizes(db: Queryable, target: Target): Promise<TableSizes> {
  const found = await db.query<Omit<TableSizes, 'walBytes'>>(
    `SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::float8 AS "heapBytes",
            coalesce(sum(pg_total_relation_size(nullif(c.reltoastrelid, 0))), 0)::float8 AS "toastBytes",
            coalesce(sum(i.bytes), 0)::float8 AS "otherIndexBytes", coalesce(max(i.indexes), 0)::float8 AS "otherIndexes",
            coalesce(pg_total_relation_size(to_regclass($2)), 0)::float8 AS "stageBytes"
       FROM ${leavesSql('$1::regclass')} leaf JOIN pg_class c ON c.oid = leaf.relid
       LEFT JOIN LATERAL (SELECT count(*) AS indexes, sum(pg_relation_size(x.indexrelid)) AS bytes
                            FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid JOIN pg_am am ON am.oid = xc.relam
                           WHERE x.indrelid = c.oid AND am.amname NOT IN ('hnsw', 'ivfflat')) i ON true`,
    [target.table, target.stage],
  );
  const { store } = target;
  const beside = store.kind === 'column' ? {} : { tableBytes: await besideBytes(db, store.table) };
  return { ...(found.rows[0] as TableSizes), ...beside, walBytes: await walPosition(db) };
}

async function besideBytes(db: Queryable, table: string): Promise<number> {
  const found = await db.query<{ bytes: number }>(
    `SELECT (coalesce(pg_total_relation_size(to_regclass($1)), 0)
             - coalesce((SELECT sum(pg_relation_size(x.indexrelid)) FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid JOIN pg_am am ON am.oid = xc.relam
                          WHERE x.indrelid = to_regclass($1) AND am.amname IN ('hnsw', 'ivfflat')), 0))::float8 AS bytes`,
    [table],
  );
  return found.rows[0]?.bytes ?? 0;
}

/** Bytes of WAL so far; null where it cannot be read. Outside of a transaction only: it may fail. */
export async function walPosition(db: Queryable): Promise<number | null> {
  const found = await db
    .query<{ bytes: number }>(`SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS bytes`)
    .catch(() => null);
  return found?.rows[0]?.bytes ?? null;
}
