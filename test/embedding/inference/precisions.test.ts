/** Every precision that hubs have, of one small BERT with random weights. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertGraph } from '../../../scripts/bench/precisions/convert.ts';
import { makeTexts } from '../../../scripts/bench/minilm-model.ts';
import { DTYPES, type Dtype } from '../../../src/config/values/dtype.ts';
import { LocalModel } from '../../../src/embedding/inference/local-model.ts';
import { dot } from '../../../src/embedding/inference/pooling.ts';
import { graphFile } from '../../../src/embedding/model-files/dtype.ts';
import {
  locateModel,
  modelFingerprint,
  type ModelOptions,
} from '../../../src/embedding/model-files/files.ts';
import { toleranceOf } from '../../../src/verify/checks/freshness.ts';
import { modelOptionsOf, type OwnModel } from '../../setup/model.ts';
import { makeInPrecisions } from '../../setup/precisions.ts';

/** Least cosine to full precision by which they are held apart from a wrong reading of the weights, which are noise. */
const ALIKE: Record<Dtype, number> = {
  fp32: 0.999_999,
  fp16: 0.999_999,
  q8: 0.9999,
  int8: 0.9999,
  uint8: 0.9999,
  q4: 0.9999,
  q4f16: 0.9999,
  bnb4: 0.9999,
};

describe('a model in a precision', () => {
  /** Short ones, many of which go through the graph at a time. */
  const texts = makeTexts(24).map((text, at) =>
    text
      .split(' ')
      .slice(0, 4 + (at % 5))
      .join(' '),
  );
  let model: OwnModel;
  let full: Float32Array[];
  beforeAll(async () => {
    model = await makeInPrecisions();
    full = await vectorsOf(await load({ dtype: 'fp32' }), texts);
  });
  afterAll(() => model.remove());

  const optionsOf = (change: Partial<ModelOptions>): ModelOptions => ({
    ...modelOptionsOf(model),
    ...change,
  });
  function load(change: Partial<ModelOptions>): Promise<LocalModel> {
    const options = optionsOf(change);
    return LocalModel.load({ type: 'load', options, location: locateModel(options), intraOpThreads: 1 });
  }
  async function vectorsOf(from: LocalModel, asked: readonly string[]): Promise<Float32Array[]> {
    const { vectors, faults } = await from.embed(asked, 'document');
    expect([...faults]).toEqual(asked.map(() => 0));
    const width = vectors.length / asked.length;
    return asked.map((_, at) => vectors.slice(at * width, (at + 1) * width));
  }
  const least = (some: Float32Array[], others: Float32Array[]): number =>
    Math.min(...some.map((vector, at) => dot(vector, others[at]!)));

  it.each(DTYPES)('%s: agrees with full precision, and with itself by one text at a time', async (dtype) => {
    const its = await load({ dtype });
    const together = await vectorsOf(its, texts);
    expect(least(full, together)).toBeGreaterThan(ALIKE[dtype]);
    const alone: Float32Array[] = [];
    for (const text of texts) alone.push(...(await vectorsOf(its, [text])));
    expect(1 - least(together, alone)).toBeLessThan(toleranceOf(dtype));
  });

  it('has a fingerprint of its own', async () => {
    const fingerprints = await Promise.all(DTYPES.map((dtype) => modelFingerprint(optionsOf({ dtype }))));
    expect(new Set(fingerprints).size).toBe(DTYPES.length);
    expect(await modelFingerprint(optionsOf({ dtype: 'auto' }))).toBe(fingerprints[DTYPES.indexOf('q8')]);
  });

  it.each<Dtype>(['fp16', 'q4f16'])('%s: its outputs may be in float16 too', async (dtype) => {
    const other = join(model.localPath, 'halves');
    const file = join(other, graphFile(dtype));
    await mkdir(dirname(file), { recursive: true });
    const folder = join(model.localPath, model.name);
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
      await writeFile(join(other, name), await readFile(join(folder, name)));
    const graph = await readFile(join(folder, graphFile('fp32')));
    await writeFile(file, convertGraph(graph, dtype, { halfOutputs: true }));
    for (const pooling of ['mean', 'cls', 'max', 'last'] as const) {
      const [some, others] = [await load({ dtype, pooling, name: 'halves' }), await load({ dtype, pooling })];
      expect(least(await vectorsOf(some, texts), await vectorsOf(others, texts))).toBeGreaterThan(0.999_999);
    }
    await rm(other, { recursive: true });
  });
});
