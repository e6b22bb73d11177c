/** The models that are in a folder. */

import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { readManifest } from './files.ts';

export interface ListedModel {
  /** As `model.name` has it. */
  name: string;
  folder: string;
  full: boolean;
  quantized: boolean;
  bytes: number;
  revision: string | null;
}

export async function listModels(root: string): Promise<ListedModel[]> {
  const models: ListedModel[] = [];
  for (const folder of await modelFolders(root, 0)) {
    const size = async (file: string): Promise<number | null> =>
      (await stat(join(folder, 'onnx', file)).catch(() => null))?.size ?? null;
    const full = await size('model.onnx');
    const quantized = await size('model_quantized.onnx');
    const manifest = await readManifest(folder).catch(() => null);
    models.push({
      name: relative(root, folder).split(sep).join('/') || '.',
      folder,
      full: full !== null,
      quantized: quantized !== null,
      bytes: (full ?? 0) + (quantized ?? 0),
      revision: manifest?.revision ?? null,
    });
  }
  return models;
}

/** <root>, <root>/<model> and <root>/<organisation>/<model>. */
async function modelFolders(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (entries.some((entry) => entry.isFile() && entry.name === 'config.json')) return [folder];
  if (depth === 2) return [];
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
  return (await Promise.all(below.map((name) => modelFolders(join(folder, name), depth + 1)))).flat();
}
