/** Fewer dimensions than a model has: the first of each vector, where the model was made for it. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { staticTableBytes } from '../../../src/embedding/inference/static-table.ts';
import { LocalModel } from '../../../src/embedding/inference/local-model.ts';
import { openTransformersEmbedder } from '../../../src/embedding/local-embedder.ts';
import {
  locateModel,
  modelFingerprint,
  type ModelOptions,
} from '../../../src/embedding/model-files/files.ts';
import { modelFacts } from '../../../src/embedding/open-embedder.ts';
import { doubtfulDimensions } from '../../../src/embedding/usage/asked-dimensions.ts';
import { KNOWN_CUTS } from '../../../src/embedding/usage/known-cuts.ts';
import { statedCut } from '../../../src/embedding/usage/cut.ts';
import { usageOf, usedConfig } from '../../../src/embedding/usage/usage.ts';
import { checkModelUse } from '../../../src/planning/checks/model-use.ts';
import { checkStaticMemory } from '../../../src/planning/checks/static-memory.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';
import { model2Vec, safetensors, writeFiles } from '../../setup/static-model.ts';

const sample = sampleModel();
const WIDTH = sample.dimensions;
const TEXTS = ['bread dough', 'Change the oil of the car', 'bread '.repeat(100)];

let root: string;
const at = (name: string): string => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-dimensions-'));
  const [config, tokenizer] = await Promise.all(
    ['config.json', 'tokenizer.json'].map(async (file) =>
      JSON.parse(await readFile(join(sample.localPath, sample.name, file), 'utf8')),
    ),
  );
  const copy = async (
    name: string,
    files: Record<string, object | Buffer>,
    without: string[],
  ): Promise<void> => {
    await cp(join(sample.localPath, sample.name), at(name), { recursive: true });
    for (const file of without) await rm(join(at(name), file));
    await writeFiles(at(name), files);
  };
  await copy('looked', {}, []);
  // With a layer in its configuration the graph is run.
  await copy('graph', { 'config.json': { ...config, num_hidden_layers: 1 } }, []);
  await copy('nomic-embed-text-v1.5', {}, ['training.json']);
  await copy('all-MiniLM-L6-v2', {}, ['training.json']);
  await copy('silent', { 'config.json': { ...config, hidden_size: undefined } }, ['training.json']);
  const weight = Array.from({ length: 4 * WIDTH }, (_, n) => ((n % 7) - 3) / 2);
  await copy(
    'dense',
    {
      'modules.json': [{ idx: 2, path: '2_Dense', type: 'sentence_transformers.models.Dense' }],
      '2_Dense/config.json': { out_features: 4, activation_function: 'torch.nn.Identity' },
      '2_Dense/model.safetensors': safetensors({
        'linear.weight': { dtype: 'F32', shape: [4, WIDTH], data: weight },
      }),
    },
    ['training.json'],
  );
  const rows = Object.keys(tokenizer.model.vocab).length;
  const data = Array.from({ length: rows * 6 }, (_, n) => ((n * 7) % 13) - 6);
  await writeFiles(
    at('static'),
    model2Vec(tokenizer, { embeddings: { dtype: 'F32', shape: [rows, 6], data } }, { apply_pca: 6 }),
  );
});
afterAll(() => rm(root, { recursive: true }));

const optionsOf = (name: string, more: Partial<ModelOptions> = {}): ModelOptions => ({
  ...modelOptionsOf({ name, localPath: root }),
  ...more,
});
async function vectorsOf(name: string, more: Partial<ModelOptions> = {}): Promise<number[][]> {
  const options = optionsOf(name, more);
  const model = await LocalModel.load({ type: 'load', options, location: locateModel(options), intraOpThreads: 1 }); // prettier-ignore
  const { vectors } = await model.embed(TEXTS, 'document');
  const width = vectors.length / TEXTS.length;
  return TEXTS.map((_, n) => [...vectors.subarray(n * width, (n + 1) * width)]);
}
const toUnit = (vector: readonly number[]): number[] => vector.map((each) => each / Math.hypot(...vector));
function expectClose(found: readonly number[][], wanted: readonly (readonly number[])[]): void {
  for (const [n, vector] of wanted.entries()) {
    expect(found[n]).toHaveLength(vector.length);
    for (const [component, value] of vector.entries()) expect(found[n]?.[component]).toBeCloseTo(value, 5);
  }
}

async function rowsOf(name: string): Promise<number> {
  const { model } = JSON.parse(await readFile(join(at(name), 'tokenizer.json'), 'utf8')) as {
    model: { vocab: object };
  };
  return Object.keys(model.vocab).length;
}

async function settingsOf(name: string, dimensions: number): Promise<Settings> {
  const flags = {
    'model-local-path': root,
    'model-name': name,
    'model-dimensions': String(dimensions),
    threads: '2',
  };
  const config = await loadConfig({ flags, env: {}, cwd: root, optional: ['database.url', 'table', 'text'] });
  return usedConfig(config).settings;
}

describe('a vector of fewer dimensions', () => {
  it.each<[string, number, Partial<ModelOptions>]>([
    ['looked', 8, {}],
    ['graph', 8, {}],
    ['graph', 8, { pooling: 'max' }],
    ['graph', 8, { longText: 'mean-of-chunks', maxTokens: 40, chunkOverlap: 4 }],
    ['dense', 3, {}],
    ['static', 4, {}],
  ])('of %s has the first %i, to unit length again', async (name, dimensions, more) => {
    const whole = await vectorsOf(name, more);
    const cut = await vectorsOf(name, { ...more, dimensions });
    // Of several chunks each is cut and scaled before their mean is made.
    const known = more.longText === undefined ? whole : whole.slice(0, 2);
    expectClose(
      cut,
      known.map((vector) => toUnit(vector.slice(0, dimensions))),
    );
    if (more.longText === undefined && more.pooling === undefined)
      expectClose(
        await vectorsOf(name, { dimensions, normalize: false }),
        (await vectorsOf(name, { normalize: false })).map((vector) => vector.slice(0, dimensions)),
      );
  });

  it('goes through a layer norm first, where its makers do that', async () => {
    const whole = await vectorsOf('nomic-embed-text-v1.5', { normalize: false });
    const wanted = whole.map((vector) => {
      const mean = vector.reduce((sum, each) => sum + each / WIDTH, 0);
      const variance = vector.reduce((sum, each) => sum + (each - mean) ** 2 / WIDTH, 0);
      const normal = vector.map((each) => (each - mean) / Math.sqrt(variance + 1e-5));
      return toUnit(normal.slice(0, 8));
    });
    expectClose(await vectorsOf('nomic-embed-text-v1.5', { dimensions: 8 }), wanted);
  });

  it('is of another model; of all of them, of the same', async () => {
    const of = (dimensions?: number): Promise<string> =>
      modelFingerprint(optionsOf('looked', { dimensions }));
    const [whole, all, eight, nine] = [await of(), await of(WIDTH), await of(8), await of(9)];
    expect(all).toBe(whole);
    expect(new Set([whole, eight, nine]).size).toBe(3);
    // By the name alone: the layer norm is part of it.
    await cp(at('nomic-embed-text-v1.5'), at('same'), { recursive: true });
    const [one, other] = ['nomic-embed-text-v1.5', 'same'].map((name) => optionsOf(name, { dimensions: 8 }));
    expect(await modelFingerprint(one as ModelOptions)).not.toBe(
      await modelFingerprint(other as ModelOptions),
    );
  });
});

it('of a static model takes less memory in each process, and doctor says how much', async () => {
  const [whole] = await checkStaticMemory(await settingsOf('static', 6));
  expect(whole).toMatchObject({ level: 'ok', check: 'model-memory' });
  const bytesOf = async (dimensions: number): Promise<number> =>
    Number(await staticTableBytes(optionsOf('static', { dimensions })));
  expect((await bytesOf(6)) - (await bytesOf(3))).toBe(12 * (await rowsOf('static')));
  const [less] = await checkStaticMemory(await settingsOf('static', 6), 300 * 2 ** 20);
  expect(less).toMatchObject({ level: 'warn', option: 'worker.threads' });
  expect(less?.message).toContain('2 inference processes take up to 41');
  expect(less?.remedy).toMatch(/worker\.threads.* to 1, or take fewer dimensions/);
  expect((await checkStaticMemory(await settingsOf('static', 6), 1))[0]?.remedy).toMatch(
    /^Take fewer dimensions/,
  );
  expect(await checkStaticMemory(await settingsOf('looked', 8))).toEqual([]);
});

describe('is refused', () => {
  it.each([
    ['more than it has', 'looked', WIDTH + 1, `model.dimensions is ${WIDTH + 1}, and the vectors of model looked have ${WIDTH} dimensions.`], // prettier-ignore
    ['more than its layer gives', 'dense', 5, 'model.dimensions is 5, and the vectors of model dense have 4 dimensions.'], // prettier-ignore
    ['fewer than it was made for', 'all-MiniLM-L6-v2', 8, `was trained for all of its ${WIDTH} dimensions together: the first 8 are a vector with a part missing (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)`], // prettier-ignore
  ])('%s, before a process is started', async (_, name, dimensions, words) => {
    await expect(openTransformersEmbedder(optionsOf(name, { dimensions }), 1)).rejects.toMatchObject({
      code: 'MODEL_DIMENSIONS',
      message: expect.stringContaining(words) as string,
    });
  });

  it('as many as its files say, where it turns out to have others', async () => {
    const tokenizer = JSON.parse(await readFile(join(at('static'), 'tokenizer.json'), 'utf8')) as object;
    const rows = await rowsOf('static');
    const embeddings = { dtype: 'F32', shape: [rows, 2], data: new Float32Array(rows * 2) } as const;
    for (const hidden_dim of [1, 4]) {
      await writeFiles(at('false'), model2Vec(tokenizer, { embeddings }, { hidden_dim }));
      const opened = openTransformersEmbedder(optionsOf('false', { dimensions: hidden_dim }), 1);
      await expect(opened).rejects.toThrow(`is ${hidden_dim}, and its vectors have 2 dimensions`);
    }
  });

  it('more than it turns out to have', async () => {
    const opened = openTransformersEmbedder(optionsOf('silent', { dimensions: WIDTH + 1 }), 1);
    await expect(opened).rejects.toMatchObject({
      code: 'MODEL_UNUSABLE',
      message: expect.stringContaining(`is ${WIDTH + 1}, and its vectors have ${WIDTH} dimensions`) as string,
    });
  });
});

describe('who says so', () => {
  it.each<[string, object, unknown]>([
    ['config.json', { matryoshka_dimensions: [256, 128] }, [256, 128]],
    ['config.json', { matryoshka_dims: [128], truncate_dim: null }, [128]],
    ['config_sentence_transformers.json', { truncate_dim: 64 }, [64]],
    ['config.json', { is_matryoshka: true }, { least: 1 }],
    ['config.json', { is_matryoshka: false }, 'none'],
    ['config.json', { model_type: 'model2vec', apply_pca: 256 }, { least: 1 }],
    ['training.json', { method: 'latent semantic analysis' }, { least: 1 }],
  ])('%s: %j', async (file, content, to) => {
    const folder = await mkdtemp(join(root, 'said-'));
    await writeFile(join(folder, file), JSON.stringify(content));
    // Whatever its name says.
    expect(statedCut(folder, ['org/bge-m3'])).toEqual({ to, layerNorm: false, where: file });
  });

  it.each<[string, unknown]>([
    ['nomic-ai/nomic-embed-text-v1.5', [512, 256, 128, 64]],
    ['nomic-ai/nomic-embed-text-v1', 'none'],
    ['onnx-community/Qwen3-Embedding-0.6B-ONNX', { least: 32 }],
    ['Xenova/bge-small-en-v1.5', 'none'],
    ['Snowflake/snowflake-arctic-embed-m', 'none'],
    ['Snowflake/snowflake-arctic-embed-m-v1.5', [256]],
    ['minishlab/potion-retrieval-32M', { least: 1 }],
    ['org/nobody-knows', undefined],
  ])('the table, of %s', (name, to) => {
    expect(statedCut(join(root, 'absent'), [name])?.to).toEqual(to);
  });

  it('the table of docs/models.md is the one that is used', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../docs/models.md'), 'utf8');
    const rows = page
      .slice(page.indexOf('## Fewer dimensions'))
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()));
    for (const { shown, to, layerNorm, page: source } of KNOWN_CUTS) {
      const words = to === 'none' ? 'refused' : 'least' in to ? `any from ${to.least} on` : to.join(', ');
      expect(rows.find(([, models]) => models === shown)?.slice(1, 4)).toEqual([
        shown,
        layerNorm === true ? `${words}; behind a layer norm` : words,
        expect.stringContaining(`(${source})`),
      ]);
    }
  });

  it('is a finding of doctor where nobody does, or of another number', async () => {
    const silent = await settingsOf('silent', 8);
    expect(doubtfulDimensions(silent)).toContain(
      'model.dimensions is 8, and neither the files of model silent',
    );
    expect(checkModelUse(silent)).toContainEqual(
      expect.objectContaining({ level: 'warn', check: 'model-use', option: 'model.dimensions' }),
    );
    expect(usageOf(silent)).toContainEqual(
      expect.objectContaining({ path: 'model.dimensions', value: 8, source: 'given' }),
    );
    expect(modelFacts(silent)['model.dimensions']).toBe(8);
    expect(doubtfulDimensions(await settingsOf('nomic-embed-text-v1.5', 100))).toContain(
      `is 100 of ${WIDTH}, and https://huggingface.co/nomic-ai/nomic-embed-text-v1.5 speaks of 512, 256, 128, 64`,
    );
    expect(doubtfulDimensions(await settingsOf('Qwen3-Embedding-0.6B', 16))).toContain(
      'speaks of 32 at least',
    );
    expect(doubtfulDimensions(await settingsOf('looked', 8))).toBeNull();
    expect(doubtfulDimensions(await settingsOf('looked', WIDTH))).toBeNull();
  });
});
