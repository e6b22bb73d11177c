/** The files of a model from a hub into the local folder: only what is missing, by one process of the machine at a time. */

import { existsSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { optionName } from '../../config/option-name.ts';
import type { AskedDtype, Dtype } from '../../config/values/dtype.ts';
import { withoutUser } from '../../config/values/bare-url.ts';
import { BackfillError, ConfigError, unwritable } from '../../errors.ts';
import { REAL_TIMING, pause, type Timing } from '../endpoint/pacing.ts';
import { readMakerFiles } from '../usage/maker-files.ts';
import { MODULES } from './maker-json.ts';
import { kindOfFolder } from './other-kinds.ts';
import { USAGE_FILES, denseConfig, denseWeights } from './usage-files.ts';
import { hubDtypes } from './hub-dtypes.ts';
import { MODEL_FOLDER_REMEDY, downloadHubFile } from './hub-file.ts';
import {
  MANIFEST,
  expectedFiles,
  isStatic,
  locateModel,
  missingFiles,
  modelChecksum,
  modelDtype,
  modelFileFacts,
  modelFiles,
  modelGraph,
  notForEmbeddings,
  readManifest,
  type ModelManifest,
  type ModelOptions,
} from './files.ts';

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  /** Told what is being waited for or fetched: a line for people. */
  notice?: ((line: string) => void) | undefined;
  onProgress?: ((file: string, bytes: number, total: number | null) => void) | undefined;
  env?: NodeJS.ProcessEnv;
  timing?: Timing;
  stallMs?: number;
}

export interface FetchedModel {
  name: string;
  folder: string;
  revision: string;
  /** The one that is there now. */
  dtype: Dtype;
  files: { path: string; bytes: number; sha256: string; fetched: boolean }[];
  /** Over all files, as model.checksum wants it. */
  checksum: string;
}

const LOCK_POLL_MS = 250;
/** A process that died leaves its lock behind; one that lives touches it. */
const LOCK_STALE_MS = 30_000;

const CONFIG = 'config.json';
/** In a list of files: those that are not known before the ones in front of them are here. */
const THE_OTHERS = '';

/** Where the hub has no graph of the one: the name of most conversions, and what nearly every model has. */
const OTHER_DTYPE: Partial<Record<AskedDtype, Dtype>> = { int8: 'q8', auto: 'fp32' };

/** Some mirrors refuse what they have not: had they refused us, it would have been the first file. */
const ABSENT: readonly string[] = ['MODEL_NOT_ON_HUB', 'MODEL_HUB_REFUSES'];

/**
 * @throws ConfigError or TransientError of `downloadHubFile`, with the way to do it by hand
 */
export async function fetchModel(options: ModelOptions, fetching: FetchOptions = {}): Promise<FetchedModel> {
  assertPlainName(options.name);
  const { folder } = locateModel(options);
  try {
    return await fetchInto(folder, options, fetching);
  } catch (error) {
    throw unwritable(error, folder, MODEL_FOLDER_REMEDY);
  }
}

async function fetchInto(
  folder: string,
  options: ModelOptions,
  fetching: FetchOptions,
): Promise<FetchedModel> {
  const signal = fetching.signal ?? new AbortController().signal;
  await mkdir(folder, { recursive: true });
  const release = await lockFolder(folder, fetching, signal);
  try {
    const fetched = await fetchMissing(options, folder, fetching, signal);
    const facts = await modelFileFacts(options);
    const files = facts.map(({ path, bytes, sha256 }) => ({
      path,
      bytes,
      sha256,
      fetched: fetched.files.has(path),
    }));
    const known = await readManifest(folder);
    if (fetched.files.size > 0 || fetched.absent.length > (known?.absent.length ?? 0)) {
      const manifest: ModelManifest = {
        name: options.name,
        revision: options.revision,
        commit: fetched.commit ?? known?.commit ?? null,
        absent: fetched.absent,
        files: Object.fromEntries([
          ...Object.entries(known?.files ?? {}).filter(([path]) => existsSync(join(folder, path))),
          ...facts.map(({ path, ...rest }) => [path, rest] as const),
        ]),
      };
      await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    }
    const { name, revision } = options;
    return { name, folder, revision, dtype: modelDtype(options), files, checksum: modelChecksum(facts) };
  } finally {
    await release();
  }
}

async function fetchMissing(
  asked: ModelOptions,
  folder: string,
  { notice, onProgress, env = process.env, timing = REAL_TIMING, stallMs }: FetchOptions,
  signal: AbortSignal,
): Promise<{ files: Set<string>; commit: string | null; absent: string[] }> {
  let options = asked;
  const known = await readManifest(folder);
  // Files of two revisions are no model.
  const otherRevision =
    known !== null && known.revision !== options.revision && known.commit !== options.revision;
  const files = new Set<string>();
  // A branch may move between two files: once the hub has named the commit, the rest comes from that.
  let commit = otherRevision ? null : (known?.commit ?? null);
  // The graph comes last, behind those that say how it is used, and tells then of weights outside of it.
  let graph = modelGraph(options);
  // What was put there by hand is asked of no hub: there may be none to ask.
  const isByHand = known === null && (await missingFiles(options)).length === 0;
  const usage = isByHand ? [] : USAGE_FILES;
  // Those two first, as they tell what other files the model has.
  const wanted = [...usage.filter((path) => path === MODULES), CONFIG, THE_OTHERS];
  const isOptional = (path: string): boolean => !modelFiles(options).includes(path);
  const absent = new Set(otherRevision ? [] : known?.absent);
  for (let at = 0; at < wanted.length; at++) {
    const path = wanted[at] ?? '';
    if (path === THE_OTHERS) {
      const others = expectedFiles(options).filter((file) => file !== graph);
      wanted.push(...[...others, ...usage].filter((file) => !wanted.includes(file)));
      if (isStatic(options)) addLayers(options, wanted);
      else wanted.push(graph);
      continue;
    }
    if (path === graph) addLayers(options, wanted);
    if (absent.has(path)) continue;
    const present = (await stat(join(folder, path)).catch(() => null)) !== null;
    if (present && !otherRevision) {
      addWeights(options, wanted, path);
      continue;
    }
    const url = hubUrl(options, commit ?? options.revision, path);
    if (!isOptional(path)) notice?.(`fetching ${url.href}`);
    const file = await downloadHubFile({
      url,
      authorization: hubAuthorization(options.hub, env),
      target: join(folder, path),
      signal,
      onProgress: (bytes, total) => onProgress?.(path, bytes, total),
      timing,
      ...(stallMs === undefined ? {} : { stallMs }),
    }).catch(async (error: unknown) => {
      const isAbsent = error instanceof ConfigError && ABSENT.includes(error.code);
      const hasAnother = isOptional(path) || (path === graph && OTHER_DTYPE[options.dtype] !== undefined);
      if (hasAnother && isAbsent) return null;
      if (path !== graph || !isAbsent) throw byHand(error, options, folder);
      const kind = kindOfFolder(folder);
      if (kind !== null) throw notForEmbeddings(options.name, folder, kind);
      throw await withDtypes(error, options, url, signal, env);
    });
    if (file === null && path === graph) {
      options = { ...options, dtype: OTHER_DTYPE[options.dtype] ?? options.dtype };
      graph = modelGraph(options);
      wanted.push(graph);
      continue;
    }
    if (file === null) {
      absent.add(path);
      // Of the other revision.
      await rm(join(folder, path), { force: true });
      continue;
    }
    commit ??= file.commit;
    files.add(path);
    addWeights(options, wanted, path);
  }
  // Such as graphs in other precisions.
  const left = otherRevision ? Object.keys(known.files).filter((path) => isOptional(path)) : [];
  for (const path of left) await rm(join(folder, path), { force: true });
  return { files, commit, absent: [...absent] };
}

/** The same error, with what the hub has in place of that graph. */
async function withDtypes(
  error: ConfigError,
  options: ModelOptions,
  { href }: URL,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<ConfigError> {
  const graph = modelGraph(options);
  const urlOf = (path: string): URL => new URL(href.slice(0, -graph.length) + path);
  const dtypes = await hubDtypes(urlOf, hubAuthorization(options.hub, env), signal);
  if (dtypes.length === 0) return byHand(error, options, locateModel(options).folder) as ConfigError;
  return new ConfigError(`${error.message} There of this model: ${dtypes.join(', ')}.`, {
    code: error.code,
    remedy: `Set ${optionName('model.dtype')} to one of them.`,
    cause: error,
  });
}

/** A user of the address is for the server alone, and goes by a header: in the URL it would be in every message. */
function hubAuthorization(hub: string, env: NodeJS.ProcessEnv): string | undefined {
  const { username, password } = new URL(hub);
  if (username !== '' || password !== '') {
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(user).toString('base64')}`;
  }
  const token = env['HF_TOKEN'] ?? '';
  return token === '' ? undefined : `Bearer ${token}`;
}

function addWeights(options: ModelOptions, wanted: string[], path: string): void {
  if (path !== modelGraph(options)) return;
  for (const file of modelFiles(options)) if (!wanted.includes(file)) wanted.push(file);
}

/** Where the hub has them as safetensors; of other models they are in the graph. */
function addLayers(options: ModelOptions, wanted: string[]): void {
  for (const path of readMakerFiles(locateModel(options).folder).layers)
    wanted.push(denseConfig(path), denseWeights(path));
}

function hubUrl({ hub, name }: ModelOptions, revision: string, path: string): URL {
  const escaped = (part: string): string => part.split('/').map(encodeURIComponent).join('/');
  return new URL(
    `${withoutUser(hub).replace(/\/+$/, '')}/${escaped(name)}/resolve/${encodeURIComponent(revision)}/${path}`,
  );
}

/** The same error, with what a machine without network needs. */
function byHand(error: unknown, options: ModelOptions, folder: string): unknown {
  if (!(error instanceof BackfillError)) return error;
  const Kind = error.constructor as typeof ConfigError;
  return new Kind(error.message, {
    code: error.code,
    remedy:
      `${error.remedy ?? ''} Or put the files ${expectedFiles(options).join(', ')} of the model into ${folder} yourself; they are at ${hubUrl(options, options.revision, '').href}.`.trim(),
    cause: error,
  });
}

/** A name becomes a path below the folder of models. */
function assertPlainName(name: string): void {
  const parts = name.split('/');
  if (parts.length <= 2 && parts.every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part))) return;
  throw new ConfigError(
    `Model name ${JSON.stringify(name)} cannot be fetched: a hub has <organisation>/<model>.`,
    {
      code: 'MODEL_NAME',
      remedy: `Correct ${optionName('model.name')}.`,
    },
  );
}

async function lockFolder(
  folder: string,
  { notice, timing = REAL_TIMING }: FetchOptions,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  for (let waiting = false; ; waiting = true) {
    signal.throwIfAborted();
    try {
      return await lock(folder, {
        realpath: false,
        stale: LOCK_STALE_MS,
        // Only after a stall of the whole machine; two at work is then two writers of a `.part`, and its checksum tells.
        onCompromised: (error) => notice?.(`the lock of ${folder} was lost: ${error.message}`),
      });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ELOCKED') throw error;
      if (!waiting) notice?.(`another process is fetching the model into ${folder}: waiting for it`);
      await pause(timing, LOCK_POLL_MS, signal);
    }
  }
}
