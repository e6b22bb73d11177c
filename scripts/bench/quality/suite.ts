/**
 * `bench quality`: the tables of docs/quality.md. What ILIKE, full-text search, a model trained on the table, a sentence transformer in
 * int8 and in full precision, and both rankings together find, by whole runs; and what each costs.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../../src/errors.ts';
import type { Logger } from '../../../src/observability/logger.ts';
import type { OnProgress } from '../../../src/observability/progress.ts';
import { withBenchDatabase } from '../database.ts';
import { machine } from '../ratio.ts';
import { collectionsOf } from './collections.ts';
import { runCollection, type BenchModel } from './runs.ts';
import {
  agreement,
  costsOf,
  hybridRows,
  type HybridRow,
  qualityTables,
  relevanceRows,
  type Cost,
  type RelevanceRow,
} from './tables.ts';

export interface QualityOptions {
  /** Collections in folders of their own, and models/<model>. */
  from: string;
  model: string;
  /** Of collections that nobody has judged. */
  rows: number;
  queries: number;
  onProgress: OnProgress;
}

export interface QualityResult {
  machine: { cpu: string; cores: number };
  collections: {
    name: string;
    isJudged: boolean;
    rows: number;
    queries: number;
    relevance: RelevanceRow[];
    hybrid: HybridRow[];
    costs: Cost[];
    agreement: { name: string; before: number; run: number }[];
  }[];
}

export const benchQuality = (
  url: string,
  { from, model, rows, queries, onProgress }: QualityOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<QualityResult> =>
  withBenchDatabase(url, logger, async (database) => {
    const models = modelsOf(from, model);
    const result: QualityResult = { machine: machine(), collections: [] };
    say(`${result.machine.cores} cores, ${result.machine.cpu}`);
    const collections = await collectionsOf(from, database.folder, { rows, queries });
    let done = 0;
    const total = collections.length * (models.length + 2);
    for (const collection of collections) {
      const runs = await runCollection(database, collection, models, (what) =>
        onProgress({ what, done: done++, total }),
      );
      for (const line of qualityTables(collection, runs)) say(line);
      result.collections.push({
        name: collection.name,
        isJudged: collection.isJudged,
        rows: collection.records.length,
        queries: runs.queries,
        relevance: relevanceRows(runs),
        hybrid: hybridRows(runs),
        costs: costsOf(collection, runs),
        agreement: runs.runs.map(agreement),
      });
    }
    return result;
  });

/** @throws ConfigError where the model is not there */
function modelsOf(from: string, name: string): BenchModel[] {
  const folder = join(from, 'models', name);
  if (!existsSync(join(folder, 'config.json')))
    throw new ConfigError(`There is no model in ${folder}.`, {
      code: 'USAGE',
      remedy: 'Name a folder with --from that has models/NAME, and NAME with --model.',
    });
  return [
    { name: 'trained on the table', asked: 'trained:full', folder: null, quantized: false },
    { name: `${name}, int8`, asked: `${folder}:int8`, folder, quantized: true },
    { name: `${name}, full precision`, asked: `${folder}:full`, folder, quantized: false },
  ];
}
