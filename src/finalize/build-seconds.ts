/** Time of an index build before it begins: a calibration, shared among the parallel workers that the server will give. */

import type { Settings } from '../config/settings.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { relationBytesSql } from '../table/partitions.ts';
import type { Target } from '../table/target.ts';
import { findVectorExtension } from '../table/vector-extension.ts';
import { workersToSet } from './build-session.ts';
import { calibrate, type CalibrationInput } from './calibrate.ts';

export interface BuildSecondsInput extends Pick<
  CalibrationInput,
  'pool' | 'target' | 'dimensions' | 'rows' | 'source'
> {
  settings: Settings;
}

/** A worker adds less than a whole one: memory and locks are shared. */
const SHARE_OF_A_WORKER = 0.8;

/** Null where it cannot be told: few rows, or no right to make a temporary table. */
export async function secondsOfBuild(input: BuildSecondsInput): Promise<number | null> {
  const { pool, target, settings } = input;
  const alone = await calibrate({
    ...input,
    plan: target.indexed,
    metric: settings.metric,
    m: settings.indexM,
    efConstruction: settings.indexEfConstruction,
    lists: settings.indexLists,
  });
  if (alone === null) return null;
  return alone / (1 + SHARE_OF_A_WORKER * (await parallelWorkers(pool, target, settings)));
}

/** maintenance_work_mem of the server, bytes. */
export async function serverMemory(db: Queryable): Promise<number> {
  const found = await db.query<{ bytes: number }>(
    `SELECT pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS bytes`,
  );
  return found.rows[0]?.bytes ?? 0;
}

/** As PostgreSQL plans them: one for min_parallel_table_scan_size of the table, another for each three times as much. */
async function parallelWorkers(pool: Pool, target: Target, settings: Settings): Promise<number> {
  const found = await pool.query<{ allowed: number; bytes: number; least: number }>(
    `SELECT current_setting('max_parallel_maintenance_workers')::int AS allowed, ${relationBytesSql('$1::regclass')} AS bytes,
            pg_size_bytes(current_setting('min_parallel_table_scan_size'))::float8 AS least`,
    [target.table],
  );
  const { allowed = 0, bytes = 0, least = 0 } = found.rows[0] ?? {};
  const { version } = await findVectorExtension(pool);
  const most = workersToSet(version ?? '0', settings.indexWorkers) ?? allowed;
  if (bytes < least) return 0;
  return Math.min(most, least <= 0 ? most : 1 + Math.floor(Math.log(bytes / least) / Math.log(3)));
}
