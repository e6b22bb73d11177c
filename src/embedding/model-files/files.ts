/** Where a model's files are, whether they are all there, and what they are (checksum). */

import { createHash } from 'node:crypto';
import { accessSync, createReadStream, existsSync } from 'node:fs';
import { access, constants, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { z } from 'zod';
import { optionName } from '../../config/option-name.ts';
import type { AskedDtype, Dtype } from '../../config/values/dtype.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { maskPolicyVersion } from '../../masking/policy.ts';
import { graphFile, presentDtypes, takenDtype } from './dtype.ts';
import { externalData } from './external-data.ts';
import { cutOf, type Cut } from '../usage/cut.ts';
import { readMakerFiles } from '../usage/maker-files.ts';
import { MODULES } from './maker-json.ts';
import { staticFiles } from './static-files.ts';
import { TAKE_AN_EMBEDDING_MODEL, kindOfFolder } from './other-kinds.ts';
import { denseConfig, denseWeights } from './usage-files.ts';
import { sha256Of } from './hub-file.ts';
import type { EmbeddingOptions } from '../embedding-options.ts';

export interface ModelOptions extends EmbeddingOptions {
  name: string;
  localPath: string;
  allowDownload: boolean;
  dtype: AskedDtype;
  /** On the hub. */
  revision: string;
  /** Hex, of modelChecksum; undefined where any files will do. */
  checksum?: string | undefined;
  /** URL. */
  hub: string;
}

export interface ModelLocation {
  /** Folder that the library resolves `id` against; downloads are kept below it. */
  root: string;
  id: string;
  folder: string;
}

/** `localPath` holds `<name>/`, or is a model folder itself. */
export function locateModel(options: Pick<ModelOptions, 'name' | 'localPath'>): ModelLocation {
  const root = resolve(options.localPath);
  const folder = join(root, options.name);
  if (!existsSync(folder) && isModelFolder(root)) {
    return { root: dirname(root), id: basename(root), folder: root };
  }
  return { root, id: options.name, folder };
}

/** By the file that names its architecture, or its parts. */
export const isModelFolder = (folder: string): boolean =>
  ['config.json', MODULES].some((file) => existsSync(join(folder, file)));

/** By what is in its folder now. Of a model without a graph: as it is reckoned with. */
export const modelDtype = (options: Pick<ModelOptions, 'name' | 'localPath' | 'dtype'>): Dtype =>
  isStatic(options) ? 'fp32' : takenDtype(options.dtype, locateModel(options).folder);

/** In whichever precision. */
export const hasWeights = (options: Pick<ModelOptions, 'name' | 'localPath'>): boolean =>
  isStatic(options) || presentDtypes(locateModel(options).folder).length > 0;

/** The graph's file, relative to the model's folder. */
export const modelGraph = (options: Pick<ModelOptions, 'name' | 'localPath' | 'dtype'>): string =>
  graphFile(modelDtype(options));

/** Its vectors are in a table of its own, and no graph has them. */
export const isStatic = (options: Pick<ModelOptions, 'name' | 'localPath'>): boolean =>
  staticFiles(locateModel(options).folder) !== null;

export function expectedFiles(options: ModelOptions): string[] {
  const table = staticFiles(locateModel(options).folder);
  if (table !== null) return [table.said, table.tokenizer, table.matrix];
  return ['config.json', 'tokenizer.json', 'tokenizer_config.json', modelGraph(options)];
}

/** Null where vectors stay whole. */
export function modelCut(options: Pick<ModelOptions, 'name' | 'localPath' | 'dimensions'>): Cut | null {
  const { folder, id } = locateModel(options);
  return cutOf(options.dimensions, folder, [id, options.name]);
}

/** Folders of the layers behind the pooling; none where the graph pools by itself, as they are in it. */
export const denseLayers = (options: Pick<ModelOptions, 'name' | 'localPath' | 'pooling'>): string[] =>
  options.pooling === 'graph' ? [] : readMakerFiles(locateModel(options).folder).dense;

/**
 * The expected files, those of layers behind the pooling, and those that the graph keeps its weights in, where the graph is there to say so.
 * @throws ConfigError `MODEL_GRAPH`
 */
export function modelFiles(options: ModelOptions): string[] {
  const layers = denseLayers(options).flatMap((path) => [denseConfig(path), denseWeights(path)]);
  const expected = [...expectedFiles(options), ...layers];
  if (isStatic(options)) return expected;
  const graph = modelGraph(options);
  const path = join(locateModel(options).folder, graph);
  if (!isReadable(path)) return expected;
  return [...expected, ...externalData(path).map((file) => posix.join(posix.dirname(graph), file))];
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Those of them that are not there. */
export async function missingFiles(options: ModelOptions): Promise<string[]> {
  const { folder } = locateModel(options);
  const files = modelFiles(options);
  const present = await Promise.all(
    files.map((file) =>
      access(join(folder, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return files.filter((_, at) => present[at] === false);
}

/** @throws ConfigError that lists the files that are missing or cannot be read, and where they belong. */
export async function assertModelFiles(options: ModelOptions): Promise<void> {
  const { folder } = locateModel(options);
  const faults: string[] = [];
  for (const file of modelFiles(options)) {
    await access(join(folder, file), constants.R_OK).catch((error: unknown) => {
      const missing = messageOf(error).startsWith('ENOENT');
      faults.push(`${file} (${missing ? 'missing' : messageOf(error)})`);
    });
  }
  if (faults.length === 0) return;
  const kind = faults.some((fault) => fault.startsWith(`${modelGraph(options)} (missing)`))
    ? kindOfFolder(folder)
    : null;
  if (kind !== null) throw notForEmbeddings(options.name, folder, kind);
  const other = otherDtypes(options);
  throw new ConfigError(`Model ${options.name} cannot be loaded from ${folder}: ${faults.join(', ')}.`, {
    code: 'MODEL_FILES_MISSING',
    remedy:
      `${other === '' ? 'Put' : `${other} Or put`} the files there, point ${optionName('model.localPath')} to the folder that holds them, ` +
      `fetch them from the hub by \`pgvector-backfill model fetch\`, set ${optionName('model.allowDownload')} to true, or make a model of the table itself with \`pgvector-backfill train-model\`.`,
  });
}

export const notForEmbeddings = (name: string, folder: string, kind: string): ConfigError =>
  new ConfigError(`Model ${name} in ${folder} cannot be used: it is ${kind}.`, {
    code: 'MODEL_UNUSABLE',
    remedy: TAKE_AN_EMBEDDING_MODEL,
  });

/** Of a graph that is not there, where others are. */
function otherDtypes(options: ModelOptions): string {
  const present = presentDtypes(locateModel(options).folder);
  const dtype = modelDtype(options);
  return present.length === 0 || present.includes(dtype)
    ? ''
    : `${optionName('model.dtype')} is ${options.dtype}, and the folder has ${present.join(', ')}: set it to ${present.length === 1 ? 'that' : 'one of them'}, or to auto.`;
}

export interface ModelFileFacts {
  /** Relative to the model's folder. */
  path: string;
  bytes: number;
  /** Hex. */
  sha256: string;
}

/** Of every file of the model, weights outside of the graph included, in order of their paths. @throws Error where one cannot be read */
export async function modelFileFacts(options: ModelOptions): Promise<ModelFileFacts[]> {
  const { folder } = locateModel(options);
  const facts: ModelFileFacts[] = [];
  for (const path of modelFiles(options).toSorted()) {
    const file = join(folder, path);
    facts.push({ path, bytes: (await stat(file)).size, sha256: await sha256Of(file) });
  }
  return facts;
}

/** One checksum for all files, hex: that of what `sha256sum` prints for them in order of their paths. */
export function modelChecksum(facts: readonly ModelFileFacts[]): string {
  const lines = facts.map(({ path, sha256 }) => `${sha256}  ${path}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/** What is known of files that came from a hub. */
const manifestSchema = z.object({
  name: z.string(),
  revision: z.string(),
  commit: z.string().nullable(),
  /** What the hub was asked for and has not: files that say how a model is used. */
  absent: z.array(z.string()).default([]),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
});
export type ModelManifest = z.infer<typeof manifestSchema>;
export const MANIFEST = 'pgvector-backfill.json';

/** Null where there is none: the files were put there by hand. */
export async function readManifest(folder: string): Promise<ModelManifest | null> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new ConfigError(`${join(folder, MANIFEST)} cannot be read: ${messageOf(error)}.`, {
      code: 'MODEL_MANIFEST',
      remedy: 'Delete the file, or the folder and fetch the model again.',
      cause: error,
    });
  }
}

const DEFAULT_REVISION = 'main';

/** The files are those that the configuration pins, where it does. @throws ConfigError `MODEL_REVISION`, `MODEL_CHECKSUM` */
export async function assertPinnedFiles(options: ModelOptions): Promise<void> {
  const { name, revision, checksum } = options;
  const { folder } = locateModel(options);
  const manifest = await readManifest(folder);
  if (
    manifest !== null &&
    revision !== DEFAULT_REVISION &&
    ![manifest.revision, manifest.commit].includes(revision)
  )
    throw new ConfigError(
      `The files of model ${name} in ${folder} are of revision ${manifest.revision} (commit ${manifest.commit ?? 'unknown'}), not of ${revision}.`,
      {
        code: 'MODEL_REVISION',
        remedy: `Run \`pgvector-backfill model fetch\` to replace them, or correct ${optionName('model.revision')}.`,
      },
    );
  if (checksum === undefined) return;
  const present = modelChecksum(await modelFileFacts(options));
  if (present === checksum) return;
  throw new ConfigError(
    `The files of model ${name} in ${folder} have checksum ${present}, not ${checksum}.`,
    {
      code: 'MODEL_CHECKSUM',
      remedy: `They were damaged or exchanged, or ${optionName('model.dtype')} is another than the checksum was taken of: fetch them again, or correct ${optionName('model.checksum')}.`,
    },
  );
}

/** Of how texts become tokens: another number where the same files give some text other tokens than before. */
const TOKENISATION = 3;

/** sha256 over all that decides a vector, in hex. The files are read once, in chunks. */
export async function modelFingerprint(options: ModelOptions): Promise<string> {
  const { folder } = locateModel(options);
  const hash = createHash('sha256');
  hash.update(JSON.stringify(shapingFacts(options)));
  for (const file of modelFiles(options)) {
    hash.update(`\n${file}\n`);
    for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

/** Of the shaping, what changes the vectors of rows: not the prefix of queries, and of chunks only where there are any. */
function shapingFacts(options: ModelOptions): unknown[] {
  const { pooling, normalize, maxTokens, longText, documentPrefix } = options;
  const { chunkTokens = maxTokens, chunkOverlap, maxChunks } = options;
  const chunks = {
    chunks: [chunkTokens, chunkOverlap, maxChunks],
    'mean-of-chunks': [chunkOverlap, maxChunks],
    truncate: [],
    skip: [],
    fail: [],
  }[longText];
  const cut = modelCut(options);
  return [
    TOKENISATION,
    // The rest of it is in the files and their names.
    modelDtype(options) !== 'fp32',
    pooling,
    normalize,
    maxTokens,
    longText,
    ...chunks,
    documentPrefix,
    maskPolicyVersion(options.mask),
    ...(cut === null ? [] : [cut]),
  ];
}
