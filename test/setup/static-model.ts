/** Folders of static models, as Model2Vec and sentence-transformers write them. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { articles } from '../../src/demo/articles.ts';
import { trainModel } from '../../src/training/train.ts';
import { tokenizerJson } from '../../src/training/word-tokenizer.ts';
import type { TestModel } from './model.ts';

export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I8' | 'I32' | 'I64' | 'U8';
export interface TensorToWrite {
  dtype: Dtype;
  shape: readonly number[];
  data: ArrayLike<number>;
}

const WRITERS: Record<Dtype, [bytes: number, write: (bytes: Buffer, value: number, at: number) => void]> = {
  F64: [8, (bytes, value, at) => bytes.writeDoubleLE(value, at)],
  F32: [4, (bytes, value, at) => bytes.writeFloatLE(value, at)],
  F16: [2, (bytes, value, at) => bytes.writeUInt16LE(half(value), at)],
  BF16: [2, (bytes, value, at) => bytes.writeUInt16LE(bitsOf(value) >>> 16, at)],
  I8: [1, (bytes, value, at) => bytes.writeInt8(value, at)],
  U8: [1, (bytes, value, at) => bytes.writeUInt8(value, at)],
  I32: [4, (bytes, value, at) => bytes.writeInt32LE(value, at)],
  I64: [8, (bytes, value, at) => bytes.writeBigInt64LE(BigInt(value), at)],
};

export function safetensors(tensors: Record<string, TensorToWrite>): Buffer {
  const parts: Buffer[] = [];
  const entries: Record<string, unknown> = { __metadata__: { format: 'np' } };
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const [size, write] = WRITERS[dtype];
    const part = Buffer.alloc(data.length * size);
    for (let at = 0; at < data.length; at++) write(part, data[at] ?? 0, at * size);
    entries[name] = { dtype, shape, data_offsets: [end, end + part.length] };
    parts.push(part);
    end += part.length;
  }
  const header = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...parts]);
}

export async function writeFiles(
  folder: string,
  files: Record<string, string | Buffer | object>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    await writeFile(join(folder, path), isText ? content : JSON.stringify(content));
  }
}

/** As Model2Vec saves it. */
export const model2Vec = (
  tokenizer: object,
  tensors: Record<string, TensorToWrite>,
  config: object = { normalize: true },
): Record<string, Buffer | object> => ({
  'config.json': {
    model_type: 'model2vec',
    architectures: ['StaticModel'],
    hidden_dim: tensors['embeddings']?.shape[1],
    seq_length: 1_000_000,
    ...config,
  },
  'tokenizer.json': tokenizer,
  'model.safetensors': safetensors(tensors),
});

/** Of the sample table, in a folder of Model2Vec below `localPath`. */
export async function makeStaticModel(localPath: string, dimensions: number): Promise<TestModel> {
  const texts = articles().map(({ title, body }) => `${title}\n${body ?? ''}`);
  const { table, words } = await trainModel(texts, { dimensions, seed: 1 });
  const embeddings = { dtype: 'F32', shape: [table.rows, table.columns], data: table.data } as const;
  const files = model2Vec(tokenizerJson(words), { embeddings }, { normalize: true, apply_pca: dimensions });
  await writeFiles(join(localPath, 'static'), files);
  return { localPath, name: 'static', dimensions };
}

/** As sentence-transformers saves a model of the part `StaticEmbedding`. */
export const staticEmbedding = (
  tokenizer: object,
  matrix: TensorToWrite,
  normalized: boolean,
): Record<string, Buffer | object> => {
  const part = (kind: string, idx: number): object => ({
    idx,
    name: String(idx),
    path: `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  });
  return {
    'modules.json': [part('StaticEmbedding', 0), ...(normalized ? [part('Normalize', 1)] : [])],
    '0_StaticEmbedding/tokenizer.json': tokenizer,
    '0_StaticEmbedding/model.safetensors': safetensors({ 'embedding.weight': matrix }),
  };
};

function bitsOf(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes.readUInt32BE();
}

/** Of a number that two bytes hold, and not of the smallest. */
function half(value: number): number {
  const bits = bitsOf(value);
  if (value === 0) return 0;
  return ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 255) - 112) << 10) | ((bits >>> 13) & 1023);
}
