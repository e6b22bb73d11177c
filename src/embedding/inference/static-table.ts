/** The table of a static model, from its folder: a matrix, and where the vocabulary was made smaller than it the row and weight of each token. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { INTEGERS, MATRICES, Safetensors, WIDE_FLOATS } from '../model-files/safetensors.ts';
import { denseLayers, locateModel, modelCut, type ModelOptions } from '../model-files/files.ts';
import { staticFiles, type StaticFiles } from '../model-files/static-files.ts';
import { LookUp } from './look-up.ts';
import { UnusableModel } from './unusable.ts';

/** As Model2Vec and sentence-transformers call it; each reads the other's too. */
const NAMES = ['embeddings', 'embedding.weight'];
const FETCH_AGAIN =
  'Fetch the model again, with its tokenizer (`pgvector-backfill model fetch` into another folder), or take another one.';

/**
 * Of a matrix of two bytes a number four are kept: looked at in two each text took a ninth longer, and those that are published have
 * four or one. @param tokens of its tokenizer @param columns that are kept, of a vector
 * @throws UnusableModel, Error where the file is damaged
 */
export async function readStaticTable(
  folder: string,
  { kind, matrix: path }: StaticFiles,
  tokens: number,
  columns?: number,
): Promise<LookUp> {
  return Safetensors.with(join(folder, path), async (file) => {
    const name = NAMES.find((each) => file.names.includes(each));
    if (name === undefined)
      throw new UnusableModel(
        `${path} has no tensor ${NAMES.join(' or ')}, but ${file.names.join(', ') || 'none'}`,
        FETCH_AGAIN,
      );
    const matrix = await file.tensor(name, MATRICES, columns);
    const [rows = 0, width = 0] = matrix?.shape ?? [];
    if (matrix === null || matrix.shape.length !== 2 || rows * width === 0)
      throw new UnusableModel(`${path} has no matrix in ${name}`, FETCH_AGAIN);
    if (kind === 'sentence-transformers') {
      assertCovers(`${path} has ${rows} vectors in ${name}`, rows, tokens);
      return new LookUp(matrix.data, width);
    }
    const weights = (await file.tensor('weights', WIDE_FLOATS))?.data;
    if (weights !== undefined)
      assertCovers(`${path} has ${weights.length} numbers in weights`, weights.length, tokens);
    const mapping = (await file.tensor('mapping', INTEGERS))?.data;
    if (mapping === undefined) {
      if (rows !== tokens) throw doNotFit(`${path} has ${rows} vectors in ${name}`, tokens);
    } else {
      assertCovers(`${path} has ${mapping.length} numbers in mapping`, mapping.length, tokens);
      const wrong = mapping.find((row) => row < 0 || row >= rows);
      if (wrong !== undefined)
        throw new UnusableModel(
          `${path} maps a token to vector ${wrong} of ${rows} (mapping, ${name})`,
          FETCH_AGAIN,
        );
    }
    return new LookUp(matrix.data, width, { rows: mapping, weights });
  });
}

/** Of the tokenizer's file, what its words take: 3.9 with 500,000 of them. */
const TOKENIZER_COPIES = 4;

/** Bytes that matrix and words take in the memory of a process; null where they are not there to say so. */
export async function staticTableBytes(options: ModelOptions): Promise<number | null> {
  const { folder } = locateModel(options);
  const files = staticFiles(folder);
  if (files === null) return null;
  const columns = denseLayers(options).length > 0 ? undefined : modelCut(options)?.dimensions;
  return Safetensors.with(join(folder, files.matrix), async (file) => {
    const bytes = NAMES.reduce((sum, name) => sum + file.memoryOf(name, MATRICES, columns), 0);
    const { size } = await stat(join(folder, files.tokenizer));
    return bytes === 0 ? null : bytes + TOKENIZER_COPIES * size;
  }).catch(() => null);
}

function assertCovers(what: string, count: number, tokens: number): void {
  if (count < tokens) throw doNotFit(what, tokens);
}

const doNotFit = (what: string, tokens: number): UnusableModel =>
  new UnusableModel(
    `${what}, and its tokenizer has ${tokens} tokens: they are not of one model`,
    FETCH_AGAIN,
  );
