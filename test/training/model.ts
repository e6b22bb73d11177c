/** Loads a written model the way the product does: the transformers.js pipeline, from a directory, no network. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeModel } from '../../src/training/write.ts';
import type { TrainedModel } from '../../src/training/train.ts';
import { libraryPipeline } from '../setup/library-pipeline.ts';

export type Embed = (text: string) => Promise<Float32Array>;

export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'train-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Mean pooling and length 1, as the embedder asks for. */
async function loadModel(directory: string, quantized = false): Promise<Embed> {
  const extract = await libraryPipeline(directory, quantized);
  return async (text) => (await extract(text, { pooling: 'mean', normalize: true })).data;
}

/** Writes, loads and forgets: the files are gone, the model stays in memory. */
export async function embedderOf(trained: TrainedModel, quantized = false): Promise<Embed> {
  const directory = await temporaryDirectory();
  try {
    const path = join(directory.path, 'model');
    await writeModel(path, trained);
    return await loadModel(path, quantized);
  } finally {
    await directory[Symbol.asyncDispose]();
  }
}
