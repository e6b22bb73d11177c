/** Where a model's files are, whether they are all there, and what they are (checksum). */

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, messageOf } from '../errors.ts';
import { maskPolicyVersion } from '../masking/policy.ts';
import type { Shaping } from './shaping.ts';

export interface ModelOptions extends Shaping {
  name: string;
  localPath: string;
  allowDownload: boolean;
  quantized: boolean;
}

export interface ModelLocation {
  /** Folder that the library resolves `id` against; downloads are kept below it. */
  root: string;
  id: string;
  folder: string;
}

/** `localPath` holds `<name>/`, or is a model folder itself. */
export function locateModel(options: ModelOptions): ModelLocation {
  const root = resolve(options.localPath);
  const folder = join(root, options.name);
  if (!existsSync(folder) && existsSync(join(root, 'config.json'))) {
    return { root: dirname(root), id: basename(root), folder: root };
  }
  return { root, id: options.name, folder };
}

/** The graph's file, relative to the model's folder. */
export const modelGraph = ({ quantized }: Pick<ModelOptions, 'quantized'>): string =>
  `onnx/model${quantized ? '_quantized' : ''}.onnx`;

export function expectedFiles(options: ModelOptions): string[] {
  return ['config.json', 'tokenizer.json', 'tokenizer_config.json', modelGraph(options)];
}

/** @throws ConfigError that lists the files and where they belong, unless the missing ones may be downloaded. */
export async function assertModelFiles(options: ModelOptions): Promise<void> {
  const { folder } = locateModel(options);
  const faults: string[] = [];
  for (const file of expectedFiles(options)) {
    await access(join(folder, file), constants.R_OK).catch((error: unknown) => {
      const missing = messageOf(error).startsWith('ENOENT');
      if (!missing || !options.allowDownload)
        faults.push(`${file} (${missing ? 'missing' : messageOf(error)})`);
    });
  }
  if (faults.length === 0) return;
  throw new ConfigError(`Model ${options.name} cannot be loaded from ${folder}: ${faults.join(', ')}.`, {
    code: 'MODEL_FILES_MISSING',
    remedy:
      'Put the files there, point model.localPath (--model-local-path, env BACKFILL_MODEL_LOCAL_PATH) to the folder that holds them, ' +
      'set model.allowDownload to true to fetch them from the hub, or make a model of the table itself with `npm run train-model`.',
  });
}

/** sha256 over all that decides a vector, in hex. The files are read once, in chunks. */
export async function modelFingerprint(options: ModelOptions): Promise<string> {
  const { folder } = locateModel(options);
  const hash = createHash('sha256');
  hash.update(JSON.stringify(shapingFacts(options)));
  for (const file of expectedFiles(options)) {
    hash.update(`\n${file}\n`);
    for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

/** Of the shaping, what changes the vectors of rows: not the prefix of queries, and of chunks only where there are any. */
function shapingFacts(options: ModelOptions): unknown[] {
  const { quantized, pooling, normalize, maxTokens, longText, documentPrefix } = options;
  const chunks = longText === 'mean-of-chunks' ? [options.chunkOverlap, options.maxChunks] : [];
  return [
    quantized,
    pooling,
    normalize,
    maxTokens,
    longText,
    ...chunks,
    documentPrefix,
    maskPolicyVersion(options.mask),
  ];
}
