/** The models that are in a folder. */

import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Dtype } from '../../config/values/dtype.ts';
import { graphFile, presentDtypes } from './dtype.ts';
import { externalData } from './external-data.ts';
import { isModelFolder, readManifest } from './files.ts';
import { staticFiles } from './static-files.ts';

export interface ListedModel {
  /** As `model.name` has it. */
  name: string;
  folder: string;
  /** In which precisions its graph is there. */
  dtypes: Dtype[];
  /** It is a table of vectors, and needs no graph. */
  static: boolean;
  /** Of all of them, weights outside of the graph included. */
  bytes: number;
  revision: string | null;
}

export async function listModels(root: string): Promise<ListedModel[]> {
  const models: ListedModel[] = [];
  for (const folder of await modelFolders(root, 0)) {
    const table = staticFiles(folder);
    const dtypes = table === null ? presentDtypes(folder) : [];
    const matrix = table === null ? null : await sizeOf(join(folder, table.matrix));
    const manifest = await readManifest(folder).catch(() => null);
    models.push({
      name: relative(root, folder).split(sep).join('/') || '.',
      folder,
      dtypes,
      static: matrix !== null,
      bytes: matrix ?? (await graphBytes(folder, dtypes)),
      revision: manifest?.revision ?? null,
    });
  }
  return models;
}

const sizeOf = async (file: string): Promise<number | null> =>
  (await stat(file).catch(() => null))?.size ?? null;

async function graphBytes(folder: string, dtypes: readonly Dtype[]): Promise<number> {
  const files = dtypes
    .map((dtype) => graphFile(dtype))
    .flatMap((graph) => [
      graph,
      ...externalData(join(folder, graph)).map((file) => join(dirname(graph), file)),
    ]);
  const sizes = [...new Set(files)].map(async (file) => (await sizeOf(join(folder, file))) ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** <root>, <root>/<model> and <root>/<organisation>/<model>. */
async function modelFolders(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (isModelFolder(folder)) return [folder];
  if (depth === 2) return [];
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
  return (await Promise.all(below.map((name) => modelFolders(join(folder, name), depth + 1)))).flat();
}
