/** What the main process and an inference process say to each other. */

import type { CutTexts, Embeddings, TextKind } from '../embedder.ts';
import type { ModelLocation, ModelOptions } from '../model-files/files.ts';

export interface LoadRequest {
  type: 'load';
  options: ModelOptions;
  location: ModelLocation;
  /** Threads of the runtime inside the process; 1, as the pool itself fills the processors. */
  intraOpThreads: number;
}

/** `embed`: vectors; `count`: only how many tokens each text has; `cut`: its passages. */
export interface TextRequest {
  type: 'embed' | 'count' | 'cut';
  id: number;
  texts: string[];
  as: TextKind;
}

export interface CancelRequest {
  type: 'cancel';
  id: number;
}

export type ToInference = LoadRequest | TextRequest | CancelRequest;

export type FromInference =
  | { type: 'ready'; dimensions: number; maxTokens: number; isLookUp: boolean }
  | { type: 'unusable'; message: string; remedy: string | undefined }
  | ({ type: 'embedded'; id: number } & Embeddings)
  | ({ type: 'cut'; id: number } & CutTexts)
  | { type: 'failed'; id: number; message: string };
