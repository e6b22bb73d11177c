/** The packages that ours is compared with, from this folder's own node_modules; null where they are not installed. */

import { messageOf } from '../../../src/errors.ts';

export type Extract = (
  texts: string | string[],
  options: { pooling: 'mean'; normalize: true },
) => Promise<{ data: Float32Array; dims: number[] }>;

/** The parts of transformers.js, of any version, that are used. */
export interface TransformersJs {
  env: { localModelPath: string; allowRemoteModels: boolean };
  pipeline(task: 'feature-extraction', model: string, options: object): Promise<Extract>;
}

export interface LangChain {
  HuggingFaceTransformersEmbeddings: new (fields: { model: string; pretrainedOptions: object }) => {
    embedDocuments(texts: string[]): Promise<number[][]>;
  };
}

/** A name in a variable: the compiler must not look for a package that may not be there. */
export async function loadPeer<T>(name: string): Promise<T | null> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    if (messageOf(error).includes('Cannot find package')) return null;
    throw error;
  }
}
