/** How many parallel workers an index build gets, before it begins. */

import type { Settings } from '../../config/settings.ts';
import { sizeInBytes } from '../../config/values/size.ts';
import type { Queryable } from '../../db/pool.ts';
import type { IndexMethod } from '../../table/index-plan.ts';
import { leavesSql } from '../../table/partitions.ts';
import type { Target } from '../../table/backfill-target.ts';
import { findVectorExtension } from '../../table/vector-extension.ts';
import { workersToSet } from './session.ts';

/** PostgreSQL plans no worker that would get less of maintenance_work_mem than this. Source: plan_create_index_workers. */
const MIN_MEMORY_OF_EACH = 32 * 1024 * 1024;

export interface WorkersInput {
  db: Queryable;
  target: Target;
  settings: Settings;
  method: IndexMethod;
  /** By which the table will have grown until then, bytes. */
  growth?: number;
}

interface ServerFacts {
  allowed: number;
  memory: number;
  /** The largest part of the table, as each is built on its own. */
  bytes: number;
  share: number;
  minBytes: number;
  /** Storage parameter of that part; null where it is not set. */
  ofTable: number | null;
}

export async function parallelWorkers(input: WorkersInput): Promise<number> {
  const { db, target, settings, method } = input;
  const found = await db.query<ServerFacts>(
    `SELECT current_setting('max_parallel_maintenance_workers')::int AS allowed,
            pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS memory,
            pg_size_bytes(current_setting('min_parallel_table_scan_size'))::float8 AS "minBytes", part.bytes,
            coalesce(part.bytes / nullif(sum(part.bytes) OVER (), 0), CASE WHEN count(*) OVER () = 1 THEN 1 ELSE 0 END) AS share, part.of_table AS "ofTable"
       FROM (SELECT pg_relation_size(c.oid)::float8 AS bytes,
                    (SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'parallel_workers') AS of_table
               FROM ${leavesSql('to_regclass($1)')} leaf JOIN pg_class c ON c.oid = leaf.relid
             -- Vectors beside the table, before these are there.
             UNION ALL SELECT 0, NULL WHERE to_regclass($1) IS NULL) part
      ORDER BY part.bytes DESC LIMIT 1`,
    [target.store.table],
  );
  const facts = found.rows[0];
  if (facts === undefined) return 0;
  const { version } = await findVectorExtension(db);
  return planned({
    ...facts,
    allowed: workersToSet(version ?? '0', settings.index.parallelWorkers) ?? facts.allowed,
    memory:
      settings.index.maintenanceWorkMem === undefined
        ? facts.memory
        : sizeInBytes(settings.index.maintenanceWorkMem),
    bytes: facts.bytes + (input.growth ?? 0) * facts.share,
    method,
  });
}

/** As plan_create_index_workers does; HNSW asks only whether there is one, and takes all that are allowed then. */
export function planned({
  allowed,
  memory,
  bytes,
  minBytes,
  ofTable,
  method,
}: Omit<ServerFacts, 'share'> & { method: IndexMethod }): number {
  if (ofTable !== null) return Math.min(ofTable, allowed);
  // One for that size, another for each three times as much.
  const bySize =
    bytes < minBytes ? 0 : minBytes <= 0 ? allowed : 1 + Math.floor(Math.log(bytes / minBytes) / Math.log(3));
  const byMemory = Math.max(0, Math.floor(memory / MIN_MEMORY_OF_EACH) - 1);
  const workers = Math.min(allowed, bySize, byMemory);
  return method === 'hnsw' && workers > 0 ? allowed : workers;
}
