/**
 * Fewer dimensions than a model gives (`model.dimensions`): the first of them, to unit length again. Of models that were made for it
 * these are vectors of their own (Matryoshka, principal components); of others they are vectors with a part missing.
 */

import { posix } from 'node:path';
import { readJson, readModules, type Json } from '../model-files/maker-json.ts';
import { denseConfig } from '../model-files/usage-files.ts';
import { KNOWN_CUTS } from './known-cuts.ts';
import { plainName } from './known-models.ts';

/** What is said of it, and by whom. */
export interface StatedCut {
  to: readonly number[] | { least: number } | 'none';
  layerNorm: boolean;
  /** The file in the model's folder, or the page. */
  where: string;
}

/** A vector's first components alone. */
export interface Cut {
  dimensions: number;
  /** Over all components, before: part of what the makers do. */
  layerNorm: boolean;
}

/** Null where nobody says. The model's own files count more than its name. @param names of the folder and of the model */
export function statedCut(folder: string, names: readonly string[]): StatedCut | null {
  const known = names
    .map((name) => KNOWN_CUTS.find((each) => each.names.test(plainName(name))))
    .find((each) => each !== undefined);
  const layerNorm = known?.layerNorm === true;
  const own = ofFiles(folder);
  if (own !== null) return { ...own, layerNorm };
  return known === undefined ? null : { to: known.to, layerNorm, where: known.page };
}

const CONFIG = 'config.json';
const PROMPTS = 'config_sentence_transformers.json';
/** Of this project's trainer: the axes of a decomposition, the strongest first. */
const TRAINING = 'training.json';

function ofFiles(folder: string): Omit<StatedCut, 'layerNorm'> | null {
  const config = readJson(folder, CONFIG);
  const dimensions = config?.['matryoshka_dimensions'] ?? config?.['matryoshka_dims'];
  if (Array.isArray(dimensions) && dimensions.length > 0)
    return { to: dimensions.filter((each) => typeof each === 'number'), where: CONFIG };
  // To so many the makers' own code cuts unless it is told otherwise.
  for (const where of [PROMPTS, CONFIG]) {
    const usual = numberIn(readJson(folder, where), 'truncate_dim');
    if (usual !== null) return { to: [usual], where };
  }
  const isMatryoshka = config?.['is_matryoshka'];
  if (typeof isMatryoshka === 'boolean') return { to: isMatryoshka ? { least: 1 } : 'none', where: CONFIG };
  // Model2Vec: principal components, of which the first say most.
  if (typeof config?.['apply_pca'] === 'number') return { to: { least: 1 }, where: CONFIG };
  const { method } = readJson(folder, TRAINING) ?? {};
  return method === 'latent semantic analysis' ? { to: { least: 1 }, where: TRAINING } : null;
}

/** How many a vector has, as far as the files in the folder say it. */
export function statedWidth(folder: string): number | null {
  const modules = readModules(folder) ?? [];
  const layer = modules.findLast(({ kind }) => kind === 'Dense');
  if (layer !== undefined) return numberIn(readJson(folder, denseConfig(layer.path)), 'out_features');
  const pooling = modules.find(({ kind }) => kind === 'Pooling')?.path ?? '1_Pooling';
  const config = readJson(folder, CONFIG);
  return (
    numberIn(readJson(folder, posix.join(pooling, 'config.json')), 'word_embedding_dimension') ??
    numberIn(config, 'hidden_dim') ??
    numberIn(config, 'hidden_size')
  );
}

function numberIn(json: Json | null, key: string): number | null {
  const value = json?.[key];
  return typeof value === 'number' ? value : null;
}

/** Null where the vector stays whole: also where as many are asked for as it has. */
export function cutOf(dimensions: number | undefined, folder: string, names: readonly string[]): Cut | null {
  if (dimensions === undefined || dimensions === statedWidth(folder)) return null;
  return { dimensions, layerNorm: statedCut(folder, names)?.layerNorm === true };
}
