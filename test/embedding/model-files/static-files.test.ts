/** Folders of static models: what they say, what is of their checksum and fingerprint, and how they come from a hub. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTransformersEmbedder } from '../../../src/embedding/local-embedder.ts';
import { fetchModel } from '../../../src/embedding/model-files/download.ts';
import { modelFiles, modelFingerprint, readManifest } from '../../../src/embedding/model-files/files.ts';
import { listModels } from '../../../src/embedding/model-files/list.ts';
import { readMakerFiles } from '../../../src/embedding/usage/maker-files.ts';
import { tokenizerJson } from '../../../src/training/word-tokenizer.ts';
import { modelOptionsOf } from '../../setup/model.ts';
import { model2Vec, staticEmbedding, writeFiles, type TensorToWrite } from '../../setup/static-model.ts';
import { FakeHub } from './fake-hub.ts';

const NAME = 'org/static';
const tokenizer = tokenizerJson(['bread', 'dough', 'car']);
const matrix = (first = 1): TensorToWrite => ({
  dtype: 'F32',
  shape: [7, 2],
  data: [first, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0.5, 0.5, 0, 1],
});

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-static-'));
});
afterEach(() => rm(root, { recursive: true }));

describe.each([
  ['config.json', '', model2Vec(tokenizer, { embeddings: matrix() }), 512],
  ['modules.json', '0_StaticEmbedding/', staticEmbedding(tokenizer, matrix(), true), 8192],
])('a static model that %s names', (said, path, files, maxTokens) => {
  const options = { ...modelOptionsOf({ name: NAME, localPath: '' }) };
  const ofModel = [said, `${path}tokenizer.json`, `${path}model.safetensors`];
  const prompts = { prompts: { query: 'Q: ', document: '' }, default_prompt_name: null };

  it('is used as its files say, whatever graph lies beside them', async () => {
    const folder = join(root, NAME);
    await writeFiles(folder, { ...files, 'onnx/model.onnx': 'of other inputs' });
    const own = { ...options, localPath: root };
    expect(readMakerFiles(folder)).toMatchObject({
      usage: { pooling: 'mean', normalize: true, maxTokens },
      sources: { pooling: said, normalize: said, maxTokens: said },
      unusable: null,
    });
    expect(modelFiles(own)).toEqual(ofModel);
    expect(await listModels(root)).toMatchObject([{ name: NAME, static: true, dtypes: [] }]);
    const before = await modelFingerprint(own);
    expect(await modelFingerprint({ ...own, dtype: 'q8' })).toBe(before);
    await writeFiles(folder, path === '' ? model2Vec(tokenizer, { embeddings: matrix(2) }) : staticEmbedding(tokenizer, matrix(2), true)); // prettier-ignore
    expect(await modelFingerprint(own)).not.toBe(before);
  });

  it('comes from a hub with these files alone, and embeds', async () => {
    const there = join(root, 'hub');
    await writeFiles(there, {
      ...files,
      'config_sentence_transformers.json': prompts,
      'onnx/model.onnx': '?',
    });
    const hub = await FakeHub.start(there, NAME);
    const own = { ...options, localPath: join(root, 'models'), hub: hub.origin, allowDownload: true };
    try {
      const fetched = await fetchModel(own);
      expect(fetched.files.map((file) => file.path)).toEqual(ofModel.toSorted());
      expect(hub.asked.map((asked) => asked.path)).not.toContain('onnx/model.onnx');
      expect((await readManifest(fetched.folder))?.absent).toContain('1_Pooling/config.json');
      expect(readMakerFiles(fetched.folder).usage.queryPrefix).toBe('Q: ');
      const asked = hub.asked.length;
      const embedder = await openTransformersEmbedder(own, 1);
      const { vectors, faults } = await embedder.embed(['bread', 'dough car', 'zzz']);
      expect(embedder).toMatchObject({ dimensions: 2, precision: 'fp32' });
      expect([...faults]).toEqual([0, 0, 1]);
      for (const [at, value] of [1, 0, 0.316228, 0.948683].entries())
        expect(vectors[at]).toBeCloseTo(value, 5);
      await embedder.close();
      expect(hub.asked).toHaveLength(asked);
    } finally {
      await hub.stop();
    }
  });
});

it('files of one that are missing are named', async () => {
  const files = model2Vec(tokenizer, { embeddings: matrix() });
  await writeFiles(join(root, NAME), { 'config.json': files['config.json'] ?? {} });
  const own = modelOptionsOf({ name: NAME, localPath: root });
  await expect(openTransformersEmbedder(own, 1)).rejects.toMatchObject({
    code: 'MODEL_FILES_MISSING',
    message: expect.stringContaining('tokenizer.json (missing), model.safetensors (missing)') as string,
  });
});
