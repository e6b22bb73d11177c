/**
 * `bench new-model`: a table under writes and searches gets another model of other dimensions, by the program's own verbs: a
 * generation is built beside the live one with a worker killed on the way, proved, tried, taken, left again and taken, and the
 * old one dropped. Every answer is held against the model that it names, every vector against its text.
 */

import { join } from 'node:path';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import { openEmbedder } from '../../../src/embedding/open-embedder.ts';
import type { Logger } from '../../../src/observability/logger.ts';
import { trainFrom } from '../../../src/training/train-from.ts';
import { withBenchDatabase, type BenchDatabase } from '../database.ts';
import type { Environment } from './programs.ts';
import type { NewModelOptions, NewModelResult } from './result.ts';
import { DIMENSIONS, Road } from './road.ts';
import { makeRows } from './rows.ts';
import { settledConfig } from '../../lib/settled-config.ts';

export async function benchNewModel(
  connections: { database: string; queue: string },
  options: NewModelOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<NewModelResult> {
  return withBenchDatabase(connections.database, logger, async (database) => {
    const { texts, onProgress } = options;
    const environments: Environment[] = [];
    for (const dimensions of DIMENSIONS) {
      onProgress?.({ what: `training a model of ${dimensions} dimensions`, done: 0, total: null });
      const out = join(database.folder, `model-${dimensions}`);
      await trainFrom(texts, { out, dimensions, seed: 1 });
      environments.push(environmentOf(database, connections.queue, out));
    }
    const [before = {}, after = {}] = environments;
    onProgress?.({ what: 'making the table', done: 0, total: null });
    await makeRows(database.pool, texts);
    const models = await openModels(environments, database.folder);
    try {
      return await new Road(database, options, { before, after, models }, say).go();
    } finally {
      for (const embedder of models.values()) await embedder.close();
    }
  });
}

const environmentOf = (database: BenchDatabase, queue: string, model: string): Environment => ({
  DATABASE_URL: database.url,
  QUEUE_URL: queue,
  BACKFILL_TABLE: 'docs',
  BACKFILL_TEXT: 'body',
  BACKFILL_MASK: 'none',
  BACKFILL_MODEL_LOCAL_PATH: model,
  BACKFILL_MODEL_QUANTIZED: 'false',
  BACKFILL_LOG_LEVEL: 'warn',
  // The gate counts what is changed and not in line yet, and the writer never rests.
  BACKFILL_INDEX_COVERAGE: '0.9',
  BACKFILL_VERIFY_TOLERANCE: '0.05',
  // What the words of a generated text mean is of no interest here.
  BACKFILL_VERIFY_RECALL: '0.5',
});

async function openModels(environments: readonly Environment[], cwd: string): Promise<Map<number, Embedder>> {
  const models = new Map<number, Embedder>();
  for (const [at, env] of environments.entries()) {
    const { settings } = await settledConfig({ env, cwd });
    models.set(at + 1, await openEmbedder(settings, 1));
  }
  return models;
}
