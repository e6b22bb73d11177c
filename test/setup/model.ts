/** Small real models for tests, made by the project's own trainer from the sample table. */

import { join } from 'node:path';
import { inject } from 'vitest';
import type { ModelOptions } from '../../src/embedding/model-files/files.ts';
import { articles } from '../../src/demo/articles.ts';
import { trainFrom } from '../../src/training/train-from.ts';

/** Full precision, cut at 256 tokens, nothing masked. */
export function modelOptionsOf(model: Pick<TestModel, 'name' | 'localPath'>): ModelOptions {
  return {
    name: model.name,
    localPath: model.localPath,
    allowDownload: false,
    dtype: 'fp32',
    revision: 'main',
    hub: 'http://127.0.0.1:9',
    pooling: 'mean',
    normalize: true,
    maxTokens: 256,
    longText: 'truncate',
    chunkOverlap: 32,
    maxChunks: 64,
    documentPrefix: '',
    queryPrefix: '',
    mask: { types: [], rules: [] },
  };
}

export interface TestModel {
  /** For BACKFILL_MODEL_LOCAL_PATH. */
  localPath: string;
  name: string;
  dimensions: number;
}

const NAME = 'sample';
const DIMENSIONS = 32;
/** With enough of them for relevance to mean something. */
const MORE_DIMENSIONS = 64;

/** Made once for the whole run, by its setup. */
export async function makeSampleModels(folder: string): Promise<void> {
  const texts = articles().map((article) => `${article.title}\n${article.body ?? ''}`);
  for (const dimensions of [DIMENSIONS, MORE_DIMENSIONS])
    await trainFrom(texts, { out: join(folder, String(dimensions), NAME), dimensions, seed: 1 });
}

/** That all tests read, and none changes. */
export function sampleModel(dimensions: typeof DIMENSIONS | typeof MORE_DIMENSIONS = DIMENSIONS): TestModel {
  return { localPath: join(inject('models'), String(dimensions)), name: NAME, dimensions };
}

export interface OwnModel extends TestModel {
  remove(): Promise<void>;
}
