/** Writes a trained model as a directory that transformers.js loads by its path. */

import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, unwritable } from '../errors.ts';
import { fullModel, quantizedModel } from './onnx.ts';
import type { TrainedModel } from './train.ts';
import { MAX_TOKENS, SPECIAL_TOKENS, tokenizerJson } from './word-tokenizer.ts';

/** Written last, and read to tell a model of ours from a directory that is somebody's. */
const FACTS_FILE = 'training.json';

/**
 * All files are written beside `directory` and moved into place in one step, so that nobody loads half a model. A
 * model written earlier is replaced.
 * @throws ConfigError `MODEL_DIRECTORY_IN_USE` where the directory holds something else
 */
export async function writeModel(directory: string, trained: TrainedModel): Promise<void> {
  const target = resolve(directory);
  await refuseForeign(target);
  const beside = join(dirname(target), `.${basename(target)}.${process.pid}`);
  const fresh = `${beside}.new`;
  const old = `${beside}.old`;
  try {
    await mkdir(join(fresh, 'onnx'), { recursive: true });
    for (const [name, content] of modelFiles(trained)) await writeFile(join(fresh, name), content);
    // A directory cannot be renamed over one that is not empty.
    const replaced = await rename(target, old).then(() => true, falseIfMissing);
    try {
      await rename(fresh, target);
    } catch (error) {
      if (replaced) await rename(old, target);
      throw error;
    }
  } catch (error) {
    throw unwritable(
      error,
      dirname(target),
      'Give this user the right to write there and the room, or name another directory.',
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

/** Path in the model's directory and content; the same model gives the same bytes. */
export function* modelFiles({
  facts,
  words,
  table,
}: TrainedModel): Generator<[path: string, content: Buffer | string]> {
  const [pad, unknown, cls, sep] = SPECIAL_TOKENS;
  const special = { pad_token: pad, unk_token: unknown, cls_token: cls, sep_token: sep };
  yield ['onnx/model.onnx', fullModel(table)];
  yield ['onnx/model_quantized.onnx', quantizedModel(table)];
  yield ['tokenizer.json', json(tokenizerJson(words))];
  yield [
    'tokenizer_config.json',
    json({ tokenizer_class: 'BertTokenizer', do_lower_case: true, model_max_length: MAX_TOKENS, ...special }),
  ];
  yield ['special_tokens_map.json', json(special)];
  yield [
    'config.json',
    json({
      // Not BERT, but what makes transformers.js take its plain encoder path and its tokenizer.
      model_type: 'bert',
      architectures: ['BertModel'],
      hidden_size: table.columns,
      num_hidden_layers: 0,
      num_attention_heads: 1,
      intermediate_size: 0,
      max_position_embeddings: MAX_TOKENS,
      vocab_size: table.rows,
      pad_token_id: 0,
    }),
  ];
  yield [FACTS_FILE, json({ method: 'latent semantic analysis', ...facts })];
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

async function refuseForeign(target: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(target);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (names.length === 0 || names.includes(FACTS_FILE)) return;
  throw new ConfigError(`${target} holds files that are no model of this trainer`, {
    code: 'MODEL_DIRECTORY_IN_USE',
    remedy: 'Give --out a directory that does not exist yet.',
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function falseIfMissing(error: unknown): false {
  if (isMissing(error)) return false;
  throw error;
}
