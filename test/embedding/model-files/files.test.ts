import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DTYPES, type AskedDtype, type Dtype } from '../../../src/config/values/dtype.ts';
import {
  assertModelFiles,
  expectedFiles,
  locateModel,
  modelDtype,
  modelFingerprint,
  type ModelOptions,
} from '../../../src/embedding/model-files/files.ts';
import { graphFile, presentDtypes } from '../../../src/embedding/model-files/dtype.ts';
import { openTransformersEmbedder } from '../../../src/embedding/local-embedder.ts';
import { ConfigError } from '../../../src/errors.ts';
import { modelOptionsOf } from '../../setup/model.ts';

describe('model files', () => {
  let root: string;
  let options: ModelOptions;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-files-'));
    options = modelOptionsOf({ name: 'org/mine', localPath: root });
  });
  afterEach(() => rm(root, { recursive: true }));

  async function write(folder: string, files = expectedFiles(options)): Promise<void> {
    await mkdir(join(folder, 'onnx'), { recursive: true });
    for (const file of files) await writeFile(join(folder, file), `content of ${file}`);
  }

  it('are those of the precision that is asked for', () => {
    expect(expectedFiles(options)).toEqual([
      'config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'onnx/model.onnx',
    ]);
    expect(expectedFiles({ ...options, dtype: 'q8' })).toContain('onnx/model_quantized.onnx');
  });

  it.each<[AskedDtype, Dtype[], Dtype]>([
    ['auto', [...DTYPES], 'q8'],
    ['auto', ['bnb4', 'fp16', 'q4'], 'q4'],
    ['auto', ['fp16', 'fp32'], 'fp32'],
    ['auto', [], 'q8'],
    ['int8', ['q8', 'fp32'], 'q8'],
    ['int8', ['q8', 'int8'], 'int8'],
    ['int8', ['fp32'], 'int8'],
    ['q8', ['int8'], 'q8'],
    ['uint8', ['q8'], 'uint8'],
  ])('of %s, in a folder with %j, are those of %s', async (dtype, present, taken) => {
    const folder = join(root, 'org/mine');
    await write(
      folder,
      present.map((each) => graphFile(each)),
    );
    expect(modelDtype({ ...options, dtype })).toBe(taken);
    expect(expectedFiles({ ...options, dtype })).toContain(graphFile(taken));
    expect(presentDtypes(folder)).toEqual(DTYPES.filter((each) => present.includes(each)));
  });

  it('of a precision that is missing are named with those that are there, and what to type', async () => {
    const usual = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
    await write(join(root, 'org/mine'), [...usual, 'onnx/model.onnx', 'onnx/model_fp16.onnx']);
    const error: unknown = await assertModelFiles({ ...options, dtype: 'q4' }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code: 'MODEL_FILES_MISSING',
      message: expect.stringContaining('onnx/model_q4.onnx (missing)') as string,
    });
    const { remedy } = error as ConfigError;
    expect(remedy).toContain('model.dtype (--model-dtype');
    expect(remedy).toContain('is q4, and the folder has fp32, fp16: set it to one of them, or to auto');
    expect(remedy).toContain('pgvector-backfill model fetch');
  });

  it('are below the folder of models, or in the folder itself', async () => {
    expect(locateModel(options)).toEqual({ root, id: 'org/mine', folder: join(root, 'org/mine') });
    await write(join(root, 'org/mine'));
    await assertModelFiles(options);
    const itself = { ...options, localPath: join(root, 'org/mine') };
    expect(locateModel(itself)).toEqual({
      root: join(root, 'org'),
      id: 'mine',
      folder: join(root, 'org/mine'),
    });
    await assertModelFiles(itself);
    expect(await modelFingerprint(itself)).toBe(await modelFingerprint(options));
  });

  it('are all named where they are missing, with the folder and every way out', async () => {
    await write(join(root, 'org/mine'), ['config.json', 'tokenizer.json']);
    const error: unknown = await openTransformersEmbedder(options, 1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      code: 'MODEL_FILES_MISSING',
      message: `Model org/mine cannot be loaded from ${join(root, 'org/mine')}: tokenizer_config.json (missing), onnx/model.onnx (missing).`,
    });
    for (const way of [
      'model.localPath (--model-local-path, env BACKFILL_MODEL_LOCAL_PATH, file key backfills.<name>.model.localPath)',
      'model.allowDownload',
      'pgvector-backfill train-model',
    ])
      expect((error as ConfigError).remedy).toContain(way);
  });

  it.each([
    [
      'onnx/encoder_model_quantized.onnx',
      'T5ForConditionalGeneration',
      'an encoder and decoder, such as T5: it has onnx/encoder_model_quantized.onnx',
    ],
    [
      'onnx/decoder_model_merged.onnx',
      'GPT2LMHeadModel',
      'a language model with its head: it has onnx/decoder_model_merged.onnx',
    ],
    [
      'onnx/text_model.onnx',
      'CLIPModel',
      'a model of pictures or sounds and their captions, such as CLIP: it has onnx/text_model.onnx',
    ],
    [
      'README.md',
      'XLMRobertaForSequenceClassification',
      'a reranker or another classifier: XLMRobertaForSequenceClassification in config.json',
    ],
    ['README.md', 'WhisperModel', 'a model of pictures or sounds: WhisperModel in config.json'],
  ])(
    'of a model that is none for embeddings are not asked for: %s, %s',
    async (file, architecture, words) => {
      const folder = join(root, 'org/mine');
      await write(folder, [file]);
      await writeFile(join(folder, 'config.json'), JSON.stringify({ architectures: [architecture] }));
      await expect(assertModelFiles(options)).rejects.toMatchObject({
        code: 'MODEL_UNUSABLE',
        message: `Model org/mine in ${folder} cannot be used: it is ${words}.`,
        remedy: expect.stringContaining('Take an embedding model') as string,
      });
    },
  );

  it('are a fault too where they are there and cannot be read', async () => {
    await write(join(root, 'org/mine'), ['config.json', 'tokenizer.json', 'tokenizer_config.json']);
    await rm(join(root, 'org/mine/onnx'), { recursive: true });
    // A file where a folder is expected: unreadable to everybody, the administrator included.
    await writeFile(join(root, 'org/mine/onnx'), '');
    const error: unknown = await assertModelFiles(options).catch((thrown: unknown) => thrown);
    expect((error as ConfigError).message).toMatch(/: onnx\/model\.onnx \(ENOTDIR/);
    expect((error as ConfigError).message).not.toContain('config.json');
  });

  it('have a fingerprint that is the same each time and changes with each byte and each option that shapes a vector', async () => {
    await write(join(root, 'org/mine'));
    const first = await modelFingerprint(options);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await modelFingerprint({ ...options, allowDownload: true })).toBe(first);
    const others = new Set([first]);
    for (const change of [
      { pooling: 'cls' },
      { pooling: 'max' },
      { normalize: false },
      { maxTokens: 255 },
    ] as const)
      others.add(await modelFingerprint({ ...options, ...change }));
    for (const file of expectedFiles(options)) {
      await writeFile(join(root, 'org/mine', file), `Content of ${file}`);
      others.add(await modelFingerprint(options));
    }
    expect(others.size).toBe(1 + 4 + 4);
    await write(join(root, 'org/mine'));
    expect(await modelFingerprint(options)).toBe(first);
  });
});
