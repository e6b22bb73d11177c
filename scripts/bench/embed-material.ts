/** What `bench embed` embeds, and by which model: made ones, or those that are given. */

import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { recordTexts } from '../../src/demo/records.ts';
import { ConfigError } from '../../src/errors.ts';
import { SHAPE } from './minilm-graph.ts';
import { MODEL_NAME, makeMiniLmModel, makeTexts } from './minilm-model.ts';

export interface EmbedMaterial {
  /** Folder that holds the model's folder. */
  models: string;
  name: string;
  /** In words. */
  weights: string;
  texts: string[];
}

export interface GivenMaterial {
  /** The model's folder; made with random weights where absent. */
  model: string | undefined;
  /** .jsonl or .csv with title and text; made where absent. */
  from: string | undefined;
  /** How many: spread over the file. */
  texts: number;
}

/** @throws ConfigError where the model is of another shape than the roofline is of */
export async function embedMaterial(
  cache: string,
  { model, from, texts }: GivenMaterial,
  say: (line: string) => void,
): Promise<EmbedMaterial> {
  if (model !== undefined) await assertShape(model);
  return {
    models: model === undefined ? await makeMiniLmModel(cache, say) : dirname(model),
    name: model === undefined ? MODEL_NAME : basename(model),
    weights: model === undefined ? 'random' : `of ${basename(model)}`,
    texts: from === undefined ? makeTexts(texts) : await spread(from, texts),
  };
}

async function assertShape(folder: string): Promise<void> {
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  const found = [config['num_hidden_layers'], config['hidden_size'], config['intermediate_size']];
  const wanted = [SHAPE.layers, SHAPE.width, SHAPE.inner];
  if (found.join() === wanted.join()) return;
  throw new ConfigError(
    `The model in ${folder} has ${found.join(', ')} layers, components and inner components; the roofline is of ${wanted.join(', ')}.`,
    { code: 'USAGE', remedy: 'Give a model of all-MiniLM-L6-v2’s shape by --model.' },
  );
}

async function spread(file: string, count: number): Promise<string[]> {
  const all: string[] = [];
  for await (const text of recordTexts(file)) all.push(text);
  const step = Math.max(all.length / count, 1);
  return Array.from({ length: Math.min(count, all.length) }, (_, at) => all[Math.floor(at * step)] as string);
}
