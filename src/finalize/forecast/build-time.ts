/** Time of an index build before it begins: a calibration, shared among the parallel workers that the server will give. */

import type { Settings } from '../../config/settings.ts';
import type { Queryable } from '../../db/pool.ts';
import { parallelWorkers } from '../build/parallel-workers.ts';
import { calibrate, type CalibrationInput } from './calibration.ts';

export interface BuildTimeInput extends Pick<
  CalibrationInput,
  'pool' | 'target' | 'dimensions' | 'rows' | 'source' | 'onUnmeasured'
> {
  settings: Settings;
  /** By which the table will have grown until then, bytes. */
  growth?: number;
}

/** A worker adds less than a whole one: memory and locks are shared. */
const SHARE_OF_A_WORKER = 0.8;

/** Null where it cannot be told: few rows, or no right to make a temporary table. */
export async function forecastBuildSeconds(input: BuildTimeInput): Promise<number | null> {
  const { pool: db, target, settings, growth = 0 } = input;
  const alone = await calibrate({
    ...input,
    plan: target.indexed,
    metric: settings.metric,
    m: settings.index.m,
    efConstruction: settings.index.efConstruction,
    lists: settings.index.lists,
  });
  if (alone === null) return null;
  const { method } = target.indexed;
  return alone / (1 + SHARE_OF_A_WORKER * (await parallelWorkers({ db, target, settings, method, growth })));
}

/** maintenance_work_mem of the server, bytes. */
export async function serverMemory(db: Queryable): Promise<number> {
  const found = await db.query<{ bytes: number }>(
    `SELECT pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS bytes`,
  );
  return found.rows[0]?.bytes ?? 0;
}
