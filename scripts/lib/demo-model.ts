/** The model of the demo, trained on the texts of its own table. */

import { join } from 'node:path';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import { maskPolicy } from '../../src/embedding/open-embedder.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { maskedTexts, tableTexts } from '../../src/training/table-texts.ts';
import { DEFAULT_DIMENSIONS, DEFAULT_SEED } from '../../src/training/train.ts';
import { trainFrom } from '../../src/training/train-from.ts';

/** @returns what to say of it */
export async function trainOnTable(
  { backfill, settings }: Config,
  pool: Pool,
  minDocuments: number,
  signal: AbortSignal,
): Promise<string> {
  const target = await describeTarget(pool, backfill, settings);
  const { vocabulary, dimensions, seconds } = await trainFrom(
    maskedTexts(tableTexts(pool, target), maskPolicy(settings)),
    {
      minDocuments,
      out: join(settings.model.localPath, settings.model.name),
      dimensions: DEFAULT_DIMENSIONS,
      seed: DEFAULT_SEED,
      signal,
    },
  );
  return `Model: ${vocabulary} words, ${dimensions} dimensions, ${seconds} s. Running the backfill…`;
}
