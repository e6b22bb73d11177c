/** Files that say how a model is used, and the layers that they may name; most models have a few of them or none. */

import { posix } from 'node:path';

/** Of a layer behind the pooling, in its folder. */
export const denseWeights = (path: string): string => posix.join(path, 'model.safetensors');
export const denseConfig = (path: string): string => posix.join(path, 'config.json');

/** Under the names that sentence-transformers gives them. */
export const USAGE_FILES: readonly string[] = [
  'modules.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
];
