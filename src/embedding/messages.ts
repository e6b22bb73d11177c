/** What the main process and an inference process say to each other. */

import type { Embeddings } from './embedder.ts';
import type { ModelLocation, ModelOptions } from './model-files.ts';

export interface LoadRequest {
  type: 'load';
  options: ModelOptions;
  location: ModelLocation;
  /** Threads of the runtime inside the process; 1, as the pool itself fills the processors. */
  intraOpThreads: number;
}

export interface EmbedRequest {
  type: 'embed';
  id: number;
  texts: string[];
}

export type ToInference = LoadRequest | EmbedRequest;

export type FromInference =
  | { type: 'ready'; dimensions: number; maxTokens: number }
  | { type: 'unusable'; message: string }
  | ({ type: 'embedded'; id: number } & Embeddings)
  | { type: 'failed'; id: number; message: string };
