/** The ways of embedding that are compared, each in a process of its own. */

import { join } from 'node:path';
import type { ModelOptions } from '../../src/embedding/model-files/files.ts';
import { usableProcessors } from '../../src/embedding/inference/processors.ts';
import { openTransformersEmbedder } from '../../src/embedding/local-embedder.ts';
import { tokenBatches } from '../../src/embedding/inference/token-batches.ts';
import { loadPeer, type Extract, type LangChain, type TransformersJs } from './peers/load.ts';

/** What suits the others best, which use all processors for one inference. */
const LIBRARY_BUDGET = 1024;

export const SYSTEMS = {
  ours: 'ours',
  'library-single': 'library pipeline, one text at a time',
  'library-batch-32': 'library pipeline, batch 32 in arrival order',
  'library-sorted': `library pipeline, sorted, ${LIBRARY_BUDGET} tokens`,
  'transformers-4': `@huggingface/transformers 4 pipeline, sorted, ${LIBRARY_BUDGET} tokens`,
  langchain: 'LangChain.js HuggingFaceTransformersEmbeddings, default',
} as const;
export type SystemName = keyof typeof SYSTEMS;

export interface SystemSetup {
  name: SystemName;
  /** Folder that holds the model's folder. */
  models: string;
  /** Name of that one. */
  model: string;
  quantized: boolean;
  maxTokens: number;
}

/** Embeds the texts. */
export type Embed = (texts: string[]) => Promise<unknown>;

/** @returns null where the package is not installed. */
export async function openSystem(setup: SystemSetup): Promise<Embed | null> {
  if (setup.name === 'ours') {
    const embedder = await openTransformersEmbedder(oursOptions(setup), usableProcessors());
    return (texts) => embedder.embed(texts);
  }
  if (setup.name === 'langchain') return langChain(setup);
  const peer = setup.name === 'transformers-4' ? 'huggingface-transformers-4' : '@xenova/transformers';
  const library = await loadPeer<TransformersJs>(peer);
  if (library === null) return null;
  library.env.localModelPath = setup.models;
  library.env.allowRemoteModels = false;
  const precision = { quantized: setup.quantized, dtype: setup.quantized ? 'q8' : 'fp32' };
  const extract = await library.pipeline('feature-extraction', setup.model, precision);
  // One call is one inference: the caller has formed the batches.
  return (texts) => run(extract, texts);
}

export function oursOptions({ models, model, quantized, maxTokens }: SystemSetup): ModelOptions {
  return {
    name: model,
    localPath: models,
    allowDownload: false,
    dtype: quantized ? 'q8' : 'fp32',
    revision: 'main',
    hub: '',
    pooling: 'mean',
    normalize: true,
    maxTokens,
    longText: 'truncate',
    chunkOverlap: 0,
    maxChunks: 1,
    documentPrefix: '',
    queryPrefix: '',
    mask: { types: [], rules: [] },
  };
}

const run = (extract: Extract, texts: string[]): Promise<unknown> =>
  extract(texts, { pooling: 'mean', normalize: true });

async function langChain(setup: SystemSetup): Promise<Embed | null> {
  const library = await loadPeer<TransformersJs>('@huggingface/transformers');
  const chain = await loadPeer<LangChain>('@langchain/community/embeddings/huggingface_transformers');
  if (library === null || chain === null) return null;
  library.env.localModelPath = setup.models;
  library.env.allowRemoteModels = false;
  const embeddings = new chain.HuggingFaceTransformersEmbeddings({
    model: setup.model,
    pretrainedOptions: { dtype: setup.quantized ? 'q8' : 'fp32' },
  });
  return (texts) => embeddings.embedDocuments(texts);
}

/**
 * The calls of one round. Slow systems do a part of the pool, taken evenly from its calls, so that every part has the
 * pool's own mixture of lengths. `tokens` are those of each text of the pool.
 */
export function callsOf(name: SystemName, tokens: Int32Array): number[][] {
  const all = Array.from(tokens, (_, index) => index);
  switch (name) {
    case 'ours':
      return [all];
    case 'library-single':
      return every(
        all.sort((a, b) => (tokens[a] ?? 0) - (tokens[b] ?? 0)).map((index) => [index]),
        8,
      );
    case 'library-batch-32':
      return every(slices(all, 32), 8);
    case 'library-sorted':
    case 'transformers-4':
      return every(tokenBatches(tokens, LIBRARY_BUDGET), 4);
    case 'langchain':
      // One call pads all of its texts: with 512 real ones it takes 16 GB.
      return slices(all, 128).slice(0, 1);
    default:
      return name satisfies never;
  }
}

function slices(list: number[], size: number): number[][] {
  const parts: number[][] = [];
  for (let at = 0; at < list.length; at += size) parts.push(list.slice(at, at + size));
  return parts;
}

/** Every `step`th, from the middle of the first step. */
const every = <T>(list: T[], step: number): T[] => list.filter((_, at) => at % step === Math.floor(step / 2));

export const cacheFolder = (root: string): string => join(root, '.cache', 'bench');
