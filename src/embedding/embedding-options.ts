/** What decides a text's vector besides the model's files. */

import type { MaskPolicy } from '../masking/policy.ts';

/** Of token vectors; `graph`: as the graph itself has pooled them. */
export type Pooling = 'mean' | 'cls' | 'max' | 'last' | 'weighted-mean' | 'graph';

/** What happens to a text of more tokens than the model reads. */
export type LongText = 'truncate' | 'mean-of-chunks' | 'chunks' | 'skip' | 'fail';

export interface EmbeddingOptions {
  pooling: Pooling;
  /** To unit length. */
  normalize: boolean;
  /** Of a vector: its first components, and all of them where absent. */
  dimensions?: number | undefined;
  /** Tokens of one inference, those of prefix and frame included. */
  maxTokens: number;
  longText: LongText;
  /** chunks: tokens of one, those of prefix and frame included; as many as of one inference where absent. */
  chunkTokens?: number | undefined;
  /** chunks, mean-of-chunks: tokens that neighbouring chunks share. */
  chunkOverlap: number;
  /** chunks, mean-of-chunks: most chunks of one text. */
  maxChunks: number;
  documentPrefix: string;
  queryPrefix: string;
  mask: MaskPolicy;
}
