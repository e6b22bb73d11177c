/** What the longest texts of a model take, and what is said of it before they are embedded. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureMemory } from '../../../scripts/bench/memory.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { positionsOf } from '../../../src/embedding/model-files/positions.ts';
import { modelSize, processMemory, tokensWithin } from '../../../src/embedding/inference/memory.ts';
import type { Finding } from '../../../src/planning/checks/finding.ts';
import { checkModelMemory } from '../../../src/planning/checks/model-memory.ts';
import { makeBert } from '../../setup/bert.ts';
import { modelOptionsOf } from '../../setup/model.ts';

const GIB = 1024 ** 3;
const MODERNBERT = { heads: 12, width: 768, inner: 1152, files: 600 * 1024 ** 2 };

describe('memory of an inference process', () => {
  it('grows with the square of the tokens, and is turned round into the most tokens that fit', () => {
    expect(processMemory(MODERNBERT, 256) / GIB).toBeLessThan(1.3);
    // Scores of 12 heads for 8,192 × 8,192 tokens are 3 GiB.
    expect(processMemory(MODERNBERT, 8192) / GIB).toBeCloseTo(14, 0);
    const most = tokensWithin(MODERNBERT, 4 * GIB, 8192);
    expect(processMemory(MODERNBERT, most)).toBeLessThanOrEqual(4 * GIB);
    expect(processMemory(MODERNBERT, most + 1)).toBeGreaterThan(4 * GIB);
    expect(tokensWithin(MODERNBERT, GIB / 2, 8192)).toBe(0);
  });

  it.runIf(process.platform === 'linux')(
    'is at most what is forecast, of several long texts at a time in two processes',
    async () => {
      const model = await makeBert({ positions: 2048 }, ['full']);
      try {
        const lines: string[] = [];
        const folder = join(model.localPath, model.name);
        const { peaks, forecast } = await measureMemory(folder, 2048, (line) => lines.push(line));
        expect(peaks).toHaveLength(2);
        for (const peak of peaks) expect(peak).toBeLessThan(forecast);
        // They were read whole: scores of one layer alone are 64 MiB.
        expect(peaks[0]).toBeGreaterThan(forecast / 2);
        expect(lines.join()).toContain('6 texts of 2,048 tokens (6 cut there)');
      } finally {
        await model.remove();
      }
    },
  );
});

describe('what the configuration of a model says', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-memory-'));
  });
  afterAll(() => rm(root, { recursive: true }));
  const write = async (name: string, config: object): Promise<void> => {
    await mkdir(join(root, name, 'onnx'), { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'])
      await writeFile(join(root, name, file), '{}');
    await writeFile(join(root, name, 'config.json'), JSON.stringify(config));
  };
  const sizeOf = async (config: object): Promise<unknown> => {
    await write('m', config);
    return modelSize(modelOptionsOf({ name: 'm', localPath: root }));
  };

  it('is read under the names that its kinds have', async () => {
    expect(await sizeOf({ num_attention_heads: 12, hidden_size: 384, intermediate_size: 1536 })).toMatchObject({ heads: 12, width: 384, inner: 1536 }); // prettier-ignore
    expect(await sizeOf({ n_heads: 6, dim: 48, hidden_dim: 96 })).toMatchObject({ heads: 6, width: 48, inner: 96 }); // prettier-ignore
    expect(await sizeOf({ n_head: 4, n_embd: 32 })).toMatchObject({ heads: 4, width: 32, inner: 128 });
    expect(await sizeOf({ model_type: 'bert' })).toBeNull();
    // A table: no attention.
    expect(await sizeOf({ num_attention_heads: 1, hidden_size: 8, num_hidden_layers: 0 })).toBeNull();
    expect(modelSize(modelOptionsOf({ name: 'absent', localPath: root }))).toBeNull();
  });

  it.each([
    ['bert', 512, 0, 512],
    ['xlm-roberta', 514, 1, 512],
    ['mpnet', 514, undefined, 512],
    ['modernbert', 8192, 1, 8192],
    ['nomic_bert', undefined, 0, undefined],
  ])('tells how many positions %s has for a text', (model_type, positions, pad_token_id, expected) => {
    const config = { model_type, max_position_embeddings: positions, pad_token_id };
    expect(positionsOf(JSON.parse(JSON.stringify(config)))).toBe(expected);
  });

  it('is weighed against the memory of the machine, with what to set where that is less', async () => {
    await write('long', { num_attention_heads: 12, hidden_size: 768, intermediate_size: 1152, num_hidden_layers: 22 }); // prettier-ignore
    const settings = async (flags: Record<string, string>): Promise<Settings> => {
      const given = {
        'model-name': 'long',
        'model-local-path': root,
        'model-quantized': 'false',
        threads: '2',
      };
      const optional = ['database.url', 'table', 'text'] as const;
      return (await loadConfig({ flags: { ...given, ...flags }, env: {}, cwd: root, optional: [...optional] })).settings; // prettier-ignore
    };
    const check = async (flags: Record<string, string>, usable: number): Promise<Finding[]> =>
      checkModelMemory(await settings(flags), usable);
    expect(await check({}, 16 * GIB)).toMatchObject([{ level: 'ok', check: 'model-memory' }]);
    const [short] = await check({ 'model-max-tokens': '8192' }, 16 * GIB);
    expect(short).toMatchObject({ level: 'warn', option: 'model.maxTokens' });
    expect(short?.message).toContain(
      'where a text has 8,192 tokens (12 heads), and the machine gives 16.0 GB',
    );
    const [, most = ''] = /model\.maxTokens.* to (\d+) or less/.exec(short?.remedy ?? '') ?? [];
    expect(await check({ 'model-max-tokens': most }, 16 * GIB)).toMatchObject([{ level: 'ok' }]);
    expect(short?.remedy).toMatch(/worker\.threads.* to 1; or cut/);
    // Passages are what is read at a time then.
    const chunks = { 'model-max-tokens': '8192', 'model-long-text': 'chunks', 'model-chunk-tokens': '400', store: 'table' }; // prettier-ignore
    expect(await check(chunks, 16 * GIB)).toMatchObject([{ level: 'ok' }]);
    expect((await check({ 'model-max-tokens': '8192' }, GIB / 8))[0]?.remedy).toContain('a smaller model');
    expect(await check({ 'model-endpoint': 'http://127.0.0.1:9/v1' }, 1)).toEqual([]);
  });
});
