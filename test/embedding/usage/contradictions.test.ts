/** Each option that says otherwise than a model's files, or the table of names, is found: with both values, by doctor and by the gate's report. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { usedConfig } from '../../../src/embedding/usage/usage.ts';
import { checkModelUse } from '../../../src/planning/checks/model-use.ts';
import { modelUse } from '../../../src/verify/checks/run.ts';

let root: string;
const FILES: Record<string, unknown> = {
  'modules.json': ['Transformer', 'Pooling', 'Normalize'].map((kind, idx) => ({
    idx,
    path: kind === 'Transformer' ? '' : `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  })),
  '1_Pooling/config.json': { pooling_mode_lasttoken: true },
  'sentence_bert_config.json': { max_seq_length: 300 },
  'config_sentence_transformers.json': { prompts: { query: 'Q: ', document: 'D: ' } },
};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-contradictions-'));
  const write = async (name: string, content: unknown): Promise<void> => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), JSON.stringify(content));
  };
  for (const [file, content] of Object.entries(FILES)) await write(`with-files/${file}`, content);
  const positions = { model_type: 'xlm-roberta', max_position_embeddings: 514, pad_token_id: 1 };
  await write('with-positions/config.json', positions);
});
afterAll(() => rm(root, { recursive: true }));

const settle = async (name: string, flags: Record<string, string>): Promise<Settings> =>
  usedConfig(
    await loadConfig({
      flags: { 'model-name': name, 'model-local-path': root, ...flags },
      env: {},
      cwd: root,
      optional: ['database.url', 'table', 'text'],
    }),
  ).settings;

const E5 = 'https://huggingface.co/intfloat/multilingual-e5-small';
describe.each([
  ['with-files', 'pooling', 'mean', 'model.pooling is mean, and last is what 1_Pooling/config.json says'],
  ['with-files', 'normalize', 'false', 'model.normalize is false, and true is what modules.json says'],
  [
    'with-files',
    'max-tokens',
    '301',
    'model.maxTokens is 301, and 300 is what sentence_bert_config.json says',
  ],
  [
    'with-files',
    'query-prefix',
    '',
    'model.queryPrefix is none, and "Q: " is what config_sentence_transformers.json says',
  ],
  [
    'with-files',
    'document-prefix',
    'Q: ',
    'model.documentPrefix is "Q: ", and "D: " is what config_sentence_transformers.json says',
  ],
  ['Xenova/e5-small', 'pooling', 'cls', `model.pooling is cls, and mean is what ${E5} says`],
  ['Xenova/e5-small', 'normalize', 'false', `model.normalize is false, and true is what ${E5} says`],
  ['Xenova/e5-small', 'max-tokens', '1024', `model.maxTokens is 1024, and 512 is what ${E5} says`],
  [
    'Xenova/e5-small',
    'query-prefix',
    'passage: ',
    `model.queryPrefix is "passage: ", and "query: " is what ${E5} says`,
  ],
  [
    'Xenova/e5-small',
    'document-prefix',
    '',
    `model.documentPrefix is none, and "passage: " is what ${E5} says`,
  ],
  // Nobody says how long its texts should be; the graph cannot read more.
  ['with-positions', 'max-tokens', '600', 'model.maxTokens is 600, and 512 is what config.json says'],
])('of %s, %s %s', (name, option, given, words) => {
  it('is found, and nothing else is', async () => {
    const settings = await settle(name, { [`model-${option}`]: given });
    const [whole, ...findings] = checkModelUse(settings);
    expect(whole?.level).toBe('ok');
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding).toMatchObject({ level: 'warn', check: 'model-use' });
    expect(finding?.message.startsWith(`${words}: `)).toBe(true);
    expect(finding?.remedy).toContain(`--model-${option}`);
    const { detail, remedy } = modelUse(settings);
    expect(detail).toBe(whole?.message);
    expect(remedy?.startsWith(`${words}: `)).toBe(true);
  });
});

it.each([
  ['with-files', {}],
  ['with-files', { 'model-pooling': 'last', 'model-query-prefix': 'Q: ', 'model-max-tokens': '300' }],
  // A choice: shorter texts are cut sooner.
  ['with-files', { 'model-max-tokens': '200' }],
  ['Xenova/e5-small', {}],
  ['with-positions', { 'model-max-tokens': '512' }],
  ['nobody-knows', { 'model-pooling': 'max', 'model-max-tokens': '4000', 'model-query-prefix': 'x' }],
])('nothing is found of %s with %j', async (name, flags: Record<string, string>) => {
  const settings = await settle(name, flags);
  expect(checkModelUse(settings)).toHaveLength(1);
  expect(modelUse(settings).remedy).toBeNull();
});
