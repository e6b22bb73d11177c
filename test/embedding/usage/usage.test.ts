/** How a model is used, from its files, a table of names, or the options. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { readMakerFiles } from '../../../src/embedding/usage/maker-files.ts';
import { contradictions, usageWords } from '../../../src/embedding/usage/usage-words.ts';
import { checkModelUse } from '../../../src/planning/checks/model-use.ts';
import { usageOf, usedConfig } from '../../../src/embedding/usage/usage.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-usage-'));
});
afterEach(() => rm(root, { recursive: true }));

async function folderOf(name: string, files: Record<string, unknown>): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const modules = (...kinds: string[]): unknown =>
  kinds.map((kind, idx) => ({
    idx,
    path: kind === 'Transformer' ? '' : `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  }));
const pooling = (...modes: string[]): unknown =>
  Object.fromEntries([
    ['word_embedding_dimension', 8],
    ['pooling_mode_cls_token', false],
    ...modes.map((mode) => [`pooling_mode_${mode}`, true]),
  ]);
const prompts = (of: Record<string, string>, more: object = {}): unknown => ({
  prompts: of,
  default_prompt_name: null,
  ...more,
});

describe('the files of the makers', () => {
  it('say pooling, scaling, length and prompts', async () => {
    const folder = await folderOf('m', {
      'modules.json': modules('Transformer', 'Pooling', 'Normalize'),
      '1_Pooling/config.json': pooling('lasttoken'),
      'sentence_bert_config.json': { max_seq_length: 32_768 },
      'config_sentence_transformers.json': prompts({ query: 'Q: ', passage: '', other: 'x' }),
    });
    expect(readMakerFiles(folder)).toEqual({
      usage: { pooling: 'last', normalize: true, maxTokens: 8192, queryPrefix: 'Q: ', documentPrefix: '' },
      sources: {
        pooling: '1_Pooling/config.json',
        normalize: 'modules.json',
        maxTokens: 'sentence_bert_config.json',
        queryPrefix: 'config_sentence_transformers.json',
        documentPrefix: 'config_sentence_transformers.json',
      },
      layers: [],
      dense: [],
      positions: null,
      unusable: null,
    });
  });

  it.each<[string, unknown]>([
    ['mean', pooling('mean_tokens')],
    ['cls', pooling('cls_token')],
    ['max', pooling('max_tokens')],
    ['weighted-mean', pooling('weightedmean_tokens')],
    ['last', { pooling_mode: 'lasttoken' }],
  ])('have pooling %s', async (how, config) => {
    const folder = await folderOf('m', { '1_Pooling/config.json': config });
    expect(readMakerFiles(folder)).toMatchObject({ usage: { pooling: how }, unusable: null });
  });

  it.each<[string, Record<string, unknown>]>([
    ['cls_token with mean_tokens', { '1_Pooling/config.json': pooling('cls_token', 'mean_tokens') }],
    ['mean_sqrt_len_tokens', { '1_Pooling/config.json': pooling('mean_sqrt_len_tokens') }],
    ['CLIPModel', { 'modules.json': modules('CLIPModel') }],
    ['SPLADE', { 'modules.json': modules('MLMTransformer', 'SpladePooling') }],
    ['ColBERT', { 'modules.json': modules('Transformer', 'Dense') }],
    ['two models', { 'modules.json': modules('Router', 'Normalize') }],
    ['known here: LSTM', { 'modules.json': modules('Transformer', 'LSTM', 'Pooling') }],
    ['suffix', { 'config_sentence_transformers.json': prompts({ query: 'q' }, { suffix: '<end>' }) }],
    [
      'include_prompt: false',
      {
        '1_Pooling/config.json': { pooling_mode_mean_tokens: true, include_prompt: false },
        'config_sentence_transformers.json': prompts({ query: 'q' }),
      },
    ],
  ])('have something that is not known here: %s', async (what, files) => {
    expect(readMakerFiles(await folderOf('m', files)).unusable).toContain(what);
  });

  it('without those of sentence-transformers tell a length that is below the default, and no other', async () => {
    const length = async (model_max_length: number): Promise<unknown> =>
      readMakerFiles(await folderOf('m', { 'tokenizer_config.json': { model_max_length } })).usage.maxTokens;
    expect([await length(128), await length(257), await length(512)]).toEqual([128, undefined, undefined]);
    await folderOf('m', { 'config.json': { max_position_embeddings: 64 } });
    expect(await length(128)).toBe(64);
  });

  it('with a vector for each token are not left to the graph', async () => {
    const folder = await folderOf('m', { 'modules.json': modules('Transformer', 'Dense') });
    expect(readMakerFiles(folder).usage.pooling).toBeUndefined();
  });

  it('say nothing by two empty prompts, one standard prompt for both, and nothing at all where they are no JSON', async () => {
    const empty = { 'config_sentence_transformers.json': prompts({ query: '', document: '' }) };
    expect(readMakerFiles(await folderOf('empty', empty)).usage).toEqual({});
    const standard = prompts({ all: 'T: ' }, { default_prompt_name: 'all' });
    const one = await folderOf('one', { 'config_sentence_transformers.json': standard });
    expect(readMakerFiles(one).usage).toEqual({ queryPrefix: 'T: ', documentPrefix: 'T: ' });
    const broken = await folderOf('broken', { 'modules.json': '[{', 'sentence_bert_config.json': '7' });
    expect(readMakerFiles(broken).usage).toEqual({});
    expect(readMakerFiles(join(root, 'absent')).usage).toEqual({});
  });

  it('leave the length to the tokenizer, and layers that are not here to the graph', async () => {
    const folder = await folderOf('m', {
      'modules.json': modules('Transformer', 'Pooling', 'Dense'),
      '1_Pooling/config.json': pooling('mean_tokens'),
      'tokenizer_config.json': { model_max_length: 512 },
      'config.json': { max_position_embeddings: 514 },
    });
    expect(readMakerFiles(folder)).toMatchObject({
      usage: { maxTokens: 512, pooling: 'graph', normalize: false },
      sources: { pooling: 'modules.json', maxTokens: 'tokenizer_config.json' },
      layers: ['2_Dense'],
      dense: [],
    });
    await folderOf('m', { '2_Dense/model.safetensors': '' });
    expect(readMakerFiles(folder)).toMatchObject({ usage: { pooling: 'mean' }, dense: ['2_Dense'] });
  });
});

describe('a model is used', () => {
  const settle = async (flags: Record<string, string>, name: string): Promise<Settings> => {
    const loaded = await loadConfig({
      flags: { 'model-name': name, 'model-local-path': root, ...flags },
      env: {},
      cwd: root,
      optional: ['database.url', 'table', 'text'],
    });
    return usedConfig(loaded).settings;
  };
  const FILES = {
    'modules.json': modules('Transformer', 'Pooling'),
    '1_Pooling/config.json': pooling('cls_token'),
    'sentence_bert_config.json': { max_seq_length: 100 },
    'config_sentence_transformers.json': prompts({ query: 'Q: ' }),
  };

  it('as its files say, before the table of names, before the defaults; and as the operator says, before all', async () => {
    await folderOf('org/e5-small', FILES);
    const { model } = await settle({}, 'org/e5-small');
    expect(model).toMatchObject({ pooling: 'cls', normalize: false, maxTokens: 100, queryPrefix: 'Q: ' });
    expect(model.documentPrefix).toBeUndefined();

    const { model: known } = await settle({}, 'Xenova/multilingual-e5-small');
    expect(known).toMatchObject({
      pooling: 'mean',
      maxTokens: 512,
      queryPrefix: 'query: ',
      documentPrefix: 'passage: ',
    });
    const { model: unknown } = await settle({}, 'org/nobody-knows');
    expect(unknown).toMatchObject({ pooling: 'mean', normalize: true, maxTokens: 256 });
    expect([unknown.queryPrefix, unknown.documentPrefix]).toEqual([undefined, undefined]);

    const given = { 'model-pooling': 'mean', 'model-query-prefix': '', 'model-max-tokens': '50' };
    const settings = await settle(given, 'org/e5-small');
    expect(settings.model).toMatchObject({ pooling: 'mean', maxTokens: 50 });
    expect(settings.model.queryPrefix).toBeUndefined();
    expect(usageOf(settings)).toEqual([
      {
        path: 'model.pooling',
        value: 'mean',
        source: 'given',
        where: null,
        stated: { value: 'cls', where: '1_Pooling/config.json' },
      },
      { path: 'model.normalize', value: false, source: 'files', where: 'modules.json', stated: null },
      {
        path: 'model.maxTokens',
        value: 50,
        source: 'given',
        where: null,
        stated: { value: 100, where: 'sentence_bert_config.json' },
      },
      {
        path: 'model.documentPrefix',
        value: '',
        source: 'files',
        where: 'config_sentence_transformers.json',
        stated: null,
      },
      {
        path: 'model.queryPrefix',
        value: '',
        source: 'given',
        where: null,
        stated: { value: 'Q: ', where: 'config_sentence_transformers.json' },
      },
      {
        path: 'model.dtype',
        value: 'q8',
        source: 'files',
        where: 'onnx/model_quantized.onnx',
        stated: null,
      },
    ]);
  });

  it('in words, with what the operator says otherwise: fewer tokens are a choice, and other sides are findings', async () => {
    await folderOf('org/e5-small', FILES);
    const flags = { 'model-pooling': 'mean', 'model-max-tokens': '50', 'model-query-prefix': '' };
    const used = usageOf(await settle(flags, 'org/e5-small'));
    expect(usageWords(used)).toBe(
      'model.pooling mean (given; cls in 1_Pooling/config.json), model.normalize false (its modules.json), ' +
        'model.maxTokens 50 (given; 100 in sentence_bert_config.json), model.documentPrefix none (its config_sentence_transformers.json), ' +
        'model.queryPrefix none (given; "Q: " in config_sentence_transformers.json), model.dtype q8 (its onnx/model_quantized.onnx)',
    );
    expect(contradictions(used)).toEqual([
      { path: 'model.pooling', words: 'model.pooling is mean, and cls is what 1_Pooling/config.json says' },
      {
        path: 'model.queryPrefix',
        words: 'model.queryPrefix is none, and "Q: " is what config_sentence_transformers.json says',
      },
    ]);
    const longer = usageOf(await settle({ 'model-max-tokens': '500' }, 'org/e5-small'));
    const findings = checkModelUse(await settle({ 'model-max-tokens': '500' }, 'org/e5-small'));
    expect(contradictions(longer).map(({ path }) => path)).toEqual(['model.maxTokens']);
    expect(findings.map(({ level, check, option }) => [level, check, option])).toEqual([
      ['ok', 'model-use', undefined],
      ['warn', 'model-use', 'model.maxTokens'],
    ]);
    expect(findings[1]?.message).toContain(
      'model.maxTokens is 500, and 100 is what sentence_bert_config.json says',
    );
  });

  it.each(['queryPrefix', 'documentPrefix'] as const)(
    'without the %s of its files where that is given as empty',
    async (key) => {
      const own = { prompts: { query: 'Q: ', document: 'D: ' } };
      await folderOf('org/own', { 'config_sentence_transformers.json': own });
      const [flag, env] = key === 'queryPrefix' ? ['query', 'QUERY'] : ['document', 'DOCUMENT'];
      const file = join(root, 'backfill.config.json');
      const of = async (
        config: object,
        env: Record<string, string>,
        flags: Record<string, string>,
      ): Promise<unknown> => {
        await writeFile(file, JSON.stringify({ backfills: { docs: { model: { name: 'org/own', localPath: root, ...config } } } })); // prettier-ignore
        const loaded = await loadConfig({
          flags,
          env,
          cwd: root,
          optional: ['database.url', 'table', 'text'],
        });
        return usedConfig(loaded).settings.model[key];
      };
      const told = key === 'queryPrefix' ? 'Q: ' : 'D: ';
      expect(await of({}, {}, {})).toBe(told);
      expect(await of({ [key]: '' }, {}, {})).toBeUndefined();
      expect(await of({}, {}, { [`model-${flag}-prefix`]: '' })).toBeUndefined();
      // How compose files pass "not set": nobody has said anything.
      expect(await of({}, { [`BACKFILL_MODEL_${env}_PREFIX`]: '' }, {})).toBe(told);
      expect(await of({ [key]: '' }, { [`BACKFILL_MODEL_${env}_PREFIX`]: 'E: ' }, {})).toBe('E: ');
      await rm(file);
    },
  );

  it('says which page of the table, which default, and nothing of a model on a server', async () => {
    const bge = usageOf(await settle({ 'model-normalize': 'false' }, 'Xenova/bge-small-en-v1.5'));
    const page = 'https://huggingface.co/BAAI/bge-small-en-v1.5';
    expect(bge[0]).toMatchObject({ value: 'cls', source: 'table', where: page });
    expect(bge[1]).toMatchObject({ value: false, source: 'given', stated: { value: true, where: page } });
    const sources = async (name: string, flags: Record<string, string> = {}): Promise<string[]> =>
      usageOf(await settle(flags, name)).map(({ source }) => source);
    expect(await sources('odd')).toEqual(['default', 'default', 'default', 'default', 'default', 'files']);
    expect(await sources('odd', { 'model-pooling': 'cls' })).toContain('given');
    const { model } = await settle({ 'model-endpoint': 'http://127.0.0.1:9/v1' }, 'BAAI/bge-small-en-v1.5');
    expect(model).toMatchObject({ pooling: 'mean', maxTokens: 256 });
    expect(model.queryPrefix).toBeUndefined();
  });

  it('with chunks of its own length, and refuses those that do not fit it', async () => {
    await folderOf('org/long', { 'sentence_bert_config.json': { max_seq_length: 2048 } });
    const chunks = { 'model-long-text': 'chunks', store: 'table', 'model-chunk-tokens': '1000' };
    expect((await settle(chunks, 'org/long')).model).toMatchObject({ maxTokens: 2048, chunkTokens: 1000 });
    await expect(settle(chunks, 'org/short')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('reads at most model.maxTokens (256)') as string,
    });
  });
});

describe('a batch has', () => {
  const rowsOf = async (config: unknown, flags: Record<string, string> = {}): Promise<number> => {
    await folderOf('org/any', { 'config.json': config });
    const loaded = await loadConfig({
      flags: { 'model-name': 'org/any', 'model-local-path': root, ...flags },
      env: {},
      cwd: root,
      optional: ['database.url', 'table', 'text'],
    });
    return usedConfig(loaded).settings.batchRows;
  };

  it('more rows of a model that is a look-up, where nobody says how many', async () => {
    expect(await rowsOf({ num_hidden_layers: 6 })).toBe(1000);
    expect(await rowsOf('no JSON')).toBe(1000);
    expect(await rowsOf({ num_hidden_layers: 0 })).toBe(4000);
    expect(await rowsOf({ model_type: 'model2vec' })).toBe(4000);
    expect(await rowsOf({ num_hidden_layers: 0 }, { 'batch-rows': '1000' })).toBe(1000);
    expect(await rowsOf({ num_hidden_layers: 0 }, { 'model-endpoint': 'http://127.0.0.1:1/v1' })).toBe(1000);
  });
});
