/** What the main thread and an inference thread say to each other. */

import type { Embeddings } from './embedder.ts';
import type { ModelLocation, ModelOptions } from './model-files.ts';

export interface ThreadData {
  options: ModelOptions;
  location: ModelLocation;
  /** Threads of the runtime inside this thread; 1, as the pool itself fills the processors. */
  intraOpThreads: number;
}

export interface EmbedRequest {
  id: number;
  texts: string[];
}

export type ThreadMessage =
  | { type: 'ready'; dimensions: number; maxTokens: number }
  | { type: 'unusable'; message: string }
  | ({ type: 'embedded'; id: number } & Embeddings)
  | { type: 'failed'; id: number; message: string };
