/** What doctor says of who loads a model. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { loadedBy } from '../../../src/planning/checks/loaded-by.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-loaded-'));
  const write = async (name: string, file: string, content: unknown): Promise<void> => {
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, file), JSON.stringify(content));
  };
  await write('bert', 'config.json', { model_type: 'bert' });
  await write('modern', 'config.json', { model_type: 'modernbert' });
  await write('static', 'config.json', { model_type: 'model2vec' });
  await write('static', 'tokenizer.json', {});
  await write('static', 'model.safetensors', {});
});
afterAll(() => rm(root, { recursive: true }));

it.each([
  ['bert', {}, 'loaded by @xenova/transformers (configuration)'],
  ['modern', {}, 'its architecture (modernbert) is none of @xenova/transformers'],
  ['static', {}, 'static: tokenised and looked up'],
  ['absent', {}, 'loaded by @xenova/transformers (configuration)'],
  ['bert', { 'model-endpoint': 'http://127.0.0.1:9/v1' }, null],
])('%s with %j: %s', async (name, flags: Record<string, string>, words) => {
  const { settings } = await loadConfig({
    flags: { 'model-name': name, 'model-local-path': root, ...flags },
    env: {},
    cwd: root,
    optional: ['database.url', 'table', 'text'],
  });
  if (words === null) expect(loadedBy(settings)).toBe('');
  else expect(loadedBy(settings)).toContain(words);
});
