import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DTYPES } from '../../../src/config/values/dtype.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { withValues } from '../../../src/config/shape.ts';
import type { Settings } from '../../../src/config/settings.ts';
import {
  parseModels,
  settingsOfModel,
  settingsOfTrained,
} from '../../../src/verify/compared-models/model-settings.ts';
import { withTitleOfTheirOwn } from '../../../src/verify/compared-models/known-items.ts';
import { isAsGood, scoresToBest } from '../../../src/verify/compared-models/scores.ts';

describe('models that are named', () => {
  let cwd: string;
  let settings: Settings;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'compared-'));
    for (const [folder, graph] of [
      ['models/org/one', 'model_quantized'],
      ['models/org/one', 'model'],
      ['elsewhere/full-only', 'model'],
    ] as const) {
      await mkdir(join(cwd, folder, 'onnx'), { recursive: true });
      await writeFile(join(cwd, folder, 'config.json'), '{}');
      await writeFile(join(cwd, folder, 'onnx', `${graph}.onnx`), '');
    }
    const env = {
      DATABASE_URL: 'postgres://u@127.0.0.1:1/d',
      BACKFILL_TABLE: 't',
      BACKFILL_TEXT: 'a',
      BACKFILL_MODEL_ENDPOINT: 'http://127.0.0.1:9/v1',
      BACKFILL_MODEL_NAME: 'org/one',
      BACKFILL_MODEL_CHECKSUM: 'a'.repeat(64),
      BACKFILL_MODEL_POOLING: 'cls',
      BACKFILL_MODEL_QUERY_PREFIX: 'query: ',
    };
    ({ settings } = await loadConfig({ flags: {}, env, cwd }));
  });
  afterAll(() => rm(cwd, { recursive: true }));
  const of = (name: string): Settings['model'] => settingsOfModel(settings, parseModels(name)[0]!, cwd).model;

  it('are names in the model folder, folders, and models of the configured server', () => {
    const root = join(cwd, 'models');
    expect(of('org/one')).toMatchObject({
      name: 'org/one',
      localPath: root,
      dtype: 'q8',
      checksum: 'a'.repeat(64),
    });
    expect(of('org/one')).not.toHaveProperty('endpoint');
    expect(of('org/one:full')).toMatchObject({ name: 'org/one', dtype: 'fp32', pooling: 'cls' });
    expect(of('./elsewhere/full-only')).toMatchObject({
      localPath: join(cwd, 'elsewhere'),
      name: 'full-only',
    });
    expect(of('./elsewhere/full-only')).not.toHaveProperty('checksum');
    expect(of('endpoint')).toMatchObject({ endpoint: 'http://127.0.0.1:9/v1', name: 'org/one' });
    expect(of('endpoint:nomic-embed-text:latest').name).toBe('nomic-embed-text:latest');
  });

  it('have the one graph that is there, and another than is asked for never', () => {
    expect(of('./elsewhere/full-only').dtype).toBe('fp32');
    expect(of('./elsewhere/full-only:int8').dtype).toBe('int8');
    expect(of('org/one:int8').dtype).toBe('q8');
    expect(of('org/one:auto').dtype).toBe('q8');
    for (const dtype of DTYPES.filter((each) => each !== 'int8'))
      expect(of(`org/one:${dtype}`).dtype).toBe(dtype);
  });

  it('have as many dimensions as stand behind them; those that are configured are of the configured model alone', () => {
    const cut = withValues(settings, [['model.dimensions', 64]]);
    const dimensions = (name: string): unknown =>
      settingsOfModel(cut, parseModels(name)[0]!, cwd).model.dimensions;
    expect(dimensions('org/one')).toBe(64);
    expect(dimensions('org/one:full:32')).toBe(32);
    expect(of('org/one:full:32')).toMatchObject({ name: 'org/one', dtype: 'fp32' });
    expect(dimensions('./elsewhere/full-only')).toBeUndefined();
    expect(dimensions('./elsewhere/full-only:8')).toBe(8);
    expect(dimensions('endpoint:of-another:7')).toBe(64);
  });

  it('of this trainer have none of the options that another model wants', () => {
    const { model } = settingsOfTrained(settings, join(cwd, 'trained'), {
      dtype: 'fp32',
      dimensions: 16,
    });
    expect(model).toMatchObject({ name: 'trained', localPath: cwd, pooling: 'mean', dtype: 'fp32' });
    expect(model.dimensions).toBe(16);
    for (const option of ['endpoint', 'queryPrefix', 'documentPrefix', 'checksum'])
      expect(model).not.toHaveProperty(option);
  });
});

it('gives every system its difference to the best, on the same queries', () => {
  const good = Array.from({ length: 50 }, (_, at) => 0.5 + 0.01 * (at % 7));
  const series = [
    good.map((each) => each - 0.1),
    good,
    good.map((each, at) => each - 0.02 * (at % 2 === 0 ? 1 : -0.9)),
  ];
  const [worse, best, alike] = scoresToBest(series.map((ndcg10) => ({ ndcg10, recall100: ndcg10 })));
  expect(best).toMatchObject({ toBest: null });
  expect(worse?.toBest?.value).toBeCloseTo(-0.1, 9);
  expect(worse?.toBest?.high).toBeCloseTo(-0.1, 9);
  expect([worse, best, alike].map((each) => isAsGood(each!))).toEqual([false, true, true]);
  expect(best!.recallLow).toBeLessThan(best!.recall100);
});

it('looks for no row by a title that another one has', () => {
  const titles = ['Editorial', 'A row', 'EDITORIAL', 'Another'].map((text, at) => ({ id: String(at), text }));
  expect(withTitleOfTheirOwn(titles).map(({ id }) => id)).toEqual(['1', '3']);
});
