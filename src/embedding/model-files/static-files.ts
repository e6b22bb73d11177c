/**
 * Folders of static models: a vector for each token, and no graph. Model2Vec writes them (config.json names it), and
 * sentence-transformers (a part `StaticEmbedding` in modules.json); what Model2Vec wrote is read as Model2Vec reads it.
 */

import { posix } from 'node:path';
import { MODULES, readJson, readModules } from './maker-json.ts';

const CONFIG = 'config.json';
const MODEL2VEC = 'model2vec';
const STATIC = 'StaticEmbedding';

/** Paths relative to the model's folder. */
export interface StaticFiles {
  kind: 'model2vec' | 'sentence-transformers';
  /** That says so. */
  said: string;
  tokenizer: string;
  matrix: string;
}

/** Null of any other folder. A graph that lies in one is not used: it wants the tokens of many texts in one line. */
export function staticFiles(folder: string): StaticFiles | null {
  const at = (path: string): Pick<StaticFiles, 'tokenizer' | 'matrix'> => ({
    tokenizer: posix.join(path, 'tokenizer.json'),
    matrix: posix.join(path, 'model.safetensors'),
  });
  if (readJson(folder, CONFIG)?.['model_type'] === MODEL2VEC)
    return { kind: 'model2vec', said: CONFIG, ...at('') };
  const part = readModules(folder)?.find(({ kind }) => kind === STATIC);
  return part === undefined ? null : { kind: 'sentence-transformers', said: MODULES, ...at(part.path) };
}
