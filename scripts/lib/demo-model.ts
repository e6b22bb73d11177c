import { join } from 'node:path';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import { DEFAULT_DIMENSIONS, DEFAULT_SEED } from '../../src/training/train.ts';
import { trainOnTable } from './train.ts';

/** The model of the demo, trained on the texts of its own table. @returns what to say of it */
export async function trainDemoModel(
  config: Config,
  pool: Pool,
  minDocuments: number,
  signal: AbortSignal,
): Promise<string> {
  const { localPath, name } = config.settings.model;
  const { vocabulary, dimensions, seconds } = await trainOnTable(pool, config, {
    minDocuments,
    out: join(localPath, name),
    dimensions: DEFAULT_DIMENSIONS,
    seed: DEFAULT_SEED,
    signal,
  });
  return `Model: ${vocabulary} words, ${dimensions} dimensions, ${seconds} s. Running the backfill…`;
}
