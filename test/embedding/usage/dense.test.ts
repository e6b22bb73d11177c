/** A layer behind the pooling: read from its files, part of the vector and of the fingerprint. */

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalModel } from '../../../src/embedding/inference/local-model.ts';
import { locateModel, modelFiles, modelFingerprint } from '../../../src/embedding/model-files/files.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';

const sample = sampleModel();
const { dimensions } = sample;
/** Halves of both kinds, so that every number is exact in 16 bits too. */
const WEIGHTS = Float32Array.from({ length: 2 * dimensions }, (_, at) => ((at % 5) - 2) / 2);
const BIAS = Float32Array.of(0.5, -0.25);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-dense-'));
  await cp(join(sample.localPath, sample.name), join(root, 'm'), { recursive: true });
  const type = 'sentence_transformers.models.Dense';
  await writeFile(join(root, 'm', 'modules.json'), JSON.stringify([{ idx: 2, path: '2_Dense', type }]));
  await mkdir(join(root, 'm', '2_Dense'));
});
afterAll(() => rm(root, { recursive: true }));

const options = { ...modelOptionsOf({ name: 'm', localPath: '' }), normalize: false };
const load = (localPath: string, name: string): Promise<LocalModel> =>
  LocalModel.load({
    type: 'load',
    options: { ...options, localPath, name },
    location: locateModel({ localPath, name }),
    intraOpThreads: 1,
  });

type Kind = 'F32' | 'F16' | 'BF16' | 'I64';
function bytesOf(data: Float32Array, kind: Kind): Buffer {
  const bytes = Buffer.alloc(data.length * (kind === 'F32' ? 4 : 2));
  for (const [at, value] of data.entries()) {
    const upper = Buffer.alloc(4);
    upper.writeFloatBE(value);
    const bits = upper.readUInt32BE();
    // Exponent of 8 bits to one of 5; all values here have one.
    const half =
      value === 0
        ? 0
        : ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 255) - 112) << 10) | ((bits >>> 13) & 1023);
    if (kind === 'F32') bytes.writeFloatLE(value, at * 4);
    else bytes.writeUInt16LE(kind === 'BF16' ? bits >>> 16 : half, at * 2);
  }
  return bytes;
}

async function writeLayer(kind: Kind, activation: string): Promise<void> {
  const [weight, bias] = [bytesOf(WEIGHTS, kind), bytesOf(BIAS, kind)];
  const header = Buffer.from(
    JSON.stringify({
      __metadata__: { format: 'pt' },
      'linear.weight': { dtype: kind, shape: [2, dimensions], data_offsets: [0, weight.length] },
      'linear.bias': { dtype: kind, shape: [2], data_offsets: [weight.length, weight.length + bias.length] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const folder = join(root, 'm', '2_Dense');
  await writeFile(join(folder, 'model.safetensors'), Buffer.concat([length, header, weight, bias]));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ activation_function: activation }));
}

it.each<[Kind, string, (sum: number) => number]>([
  ['F32', 'torch.nn.modules.linear.Identity', (sum) => sum],
  ['F16', 'torch.nn.modules.activation.Tanh', Math.tanh],
  ['BF16', 'torch.nn.modules.activation.ReLU', (sum) => Math.max(sum, 0)],
])('in %s, with %s', async (kind, activation, apply) => {
  await writeLayer(kind, activation);
  const texts = ['bread dough', 'Change the oil of the car'];
  const plain = await (await load(sample.localPath, sample.name)).embed(texts, 'document');
  const { vectors } = await (await load(root, 'm')).embed(texts, 'document');
  expect(vectors).toHaveLength(4);
  for (const [at, value] of vectors.entries()) {
    const from = Math.floor(at / 2) * dimensions;
    let sum = BIAS[at % 2] ?? 0;
    for (let i = 0; i < dimensions; i++)
      sum += (WEIGHTS[(at % 2) * dimensions + i] ?? 0) * (plain.vectors[from + i] ?? 0);
    expect(value).toBeCloseTo(apply(sum), 5);
  }
});

it('is of the files and of the fingerprint; one that is damaged or unknown is refused by name', async () => {
  const own = { ...options, localPath: root };
  await writeLayer('F32', 'torch.nn.modules.linear.Identity');
  expect(modelFiles(own)).toEqual(
    expect.arrayContaining(['2_Dense/config.json', '2_Dense/model.safetensors']),
  );
  expect(modelFiles({ ...own, pooling: 'graph' }).join()).not.toContain('Dense');
  const before = await modelFingerprint(own);
  await writeLayer('F32', 'torch.nn.modules.activation.Tanh');
  expect(await modelFingerprint(own)).not.toBe(before);
  await writeLayer('F32', 'torch.nn.modules.activation.Mish');
  await expect(load(root, 'm')).rejects.toThrow('activation that is not known here: Mish');
  await writeLayer('I64', 'torch.nn.modules.linear.Identity');
  await expect(load(root, 'm')).rejects.toThrow('linear.weight as I64');
  await writeFile(join(root, 'm', '2_Dense', 'model.safetensors'), 'damaged');
  await expect(load(root, 'm')).rejects.toThrow('no safetensors file');
});
