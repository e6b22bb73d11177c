/** A small real model for tests, made by the project's own trainer from the sample table. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelOptions } from '../../src/embedding/model-files.ts';
import { articles } from '../../src/sample/articles.ts';
import { trainFrom } from '../../src/training/train-from.ts';

/** Full precision, cut at 256 tokens, nothing masked. */
export function modelOptionsOf(model: Pick<TestModel, 'name' | 'localPath'>): ModelOptions {
  return {
    name: model.name,
    localPath: model.localPath,
    allowDownload: false,
    quantized: false,
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
  remove(): Promise<void>;
}

export async function makeModel(dimensions = 32): Promise<TestModel> {
  const localPath = await mkdtemp(join(tmpdir(), 'pgvector-backfill-test-'));
  const name = 'sample';
  const texts = articles().map((article) => `${article.title}\n${article.body ?? ''}`);
  await trainFrom(texts, { out: join(localPath, name), dimensions, seed: 1 });
  return { localPath, name, dimensions, remove: () => rm(localPath, { recursive: true, force: true }) };
}
