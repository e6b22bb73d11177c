import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { trainModel } from '../../src/training/train.ts';
import { trainFrom } from '../../src/training/train-from.ts';
import { writeModel } from '../../src/training/write.ts';
import { temporaryDirectory } from './model.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory[Symbol.asyncDispose]());

const train = (seed: number) =>
  trainModel(['red apples', 'green pears', 'red pears'], { dimensions: 4, seed });
const factsIn = async (path: string): Promise<unknown> =>
  JSON.parse(await readFile(join(path, 'training.json'), 'utf8'));

test('writes the files that transformers.js looks for, and nothing beside them', async () => {
  const path = join(directory.path, 'deep', 'model');
  await writeModel(path, await train(1));
  expect((await readdir(path, { recursive: true })).toSorted()).toEqual([
    'config.json',
    'onnx',
    'onnx/model.onnx',
    'onnx/model_quantized.onnx',
    'special_tokens_map.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'training.json',
  ]);
  expect(await readdir(join(directory.path, 'deep'))).toEqual(['model']);
});

test('replaces a model written before', async () => {
  const path = join(directory.path, 'model');
  await writeModel(path, await train(1));
  await writeModel(path, await train(2));
  expect(await factsIn(path)).toMatchObject({ seed: 2 });
  expect(await readdir(directory.path)).toEqual(['model']);
});

test('does not replace what is no model of ours', async () => {
  const path = join(directory.path, 'photos');
  await mkdir(path);
  await writeFile(join(path, 'holiday.jpg'), 'x');
  await expect(writeModel(path, await train(1))).rejects.toMatchObject({ code: 'MODEL_DIRECTORY_IN_USE' });
  expect(await readdir(path)).toEqual(['holiday.jpg']);
});

test('writes nothing where training fails', async () => {
  const out = join(directory.path, 'model');
  await expect(trainFrom([], { out })).rejects.toMatchObject({ code: 'TRAINING_EMPTY' });
  expect(await readdir(directory.path)).toEqual([]);
});

test('trainFrom reports what it wrote', async () => {
  const out = join(directory.path, 'model');
  const result = await trainFrom(['red apples', 'green pears'], { out, dimensions: 4, seed: 7 });
  expect(result).toMatchObject({ out, documents: 2, vocabulary: 4, dimensions: 4, seed: 7 });
  const { seconds, out: _, ...facts } = result;
  expect(seconds).toBeGreaterThanOrEqual(0);
  expect(await factsIn(out)).toMatchObject(facts);
});
