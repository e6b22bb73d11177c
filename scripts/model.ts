import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { optionName } from '../src/config/option-name.ts';
import { withValues } from '../src/config/shape.ts';
import { modelOptions } from '../src/embedding/open-embedder.ts';
import { fetchModel } from '../src/embedding/model-files/download.ts';
import {
  expectedFiles,
  locateModel,
  modelChecksum,
  modelFileFacts,
  readManifest,
} from '../src/embedding/model-files/files.ts';
import { ConfigError, messageOf } from '../src/errors.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { DownloadLine } from '../src/terminal/download-line.ts';
import { bytes as shown } from '../src/observability/format.ts';

const ACTIONS: Record<string, (invocation: Invocation) => Promise<number>> = { fetch, check, list };

/** The operator asks for it in so many words: model.allowDownload need not be set. */
async function fetch(invocation: Invocation): Promise<number> {
  const { settings } = await invocation.config(['database', 'table', 'text']);
  if (settings.model.endpoint !== undefined) throw noFiles();
  const line = new DownloadLine(invocation.host.stderr);
  const result = await fetchModel(modelOptions(settings), {
    signal: invocation.signal,
    notice: (text) => line.say(text),
    onProgress: (file, bytes, total) => line.show(file, bytes, total),
  }).finally(() => line.end());
  invocation.emit(result);
  for (const { path, bytes, fetched } of result.files)
    invocation.say(`${fetched ? 'fetched' : 'present'}  ${shown(bytes).padStart(10)}  ${path}`);
  invocation.say(`${result.name} is in ${result.folder}`);
  invocation.say(`checksum ${result.checksum} (${optionName('model.checksum')} pins it)`);
  return EXIT.done;
}

async function check(invocation: Invocation): Promise<number> {
  const { settings } = await invocation.config(['database', 'table', 'text']);
  if (settings.model.endpoint !== undefined) throw noFiles();
  const options = { ...modelOptions(settings), allowDownload: false };
  const { folder } = locateModel(options);
  const files = await Promise.all(
    expectedFiles(options).map(async (path) => {
      const bytes = (await stat(join(folder, path)).catch(() => null))?.size ?? null;
      return { path, present: bytes !== null, bytes };
    }),
  );
  const result = {
    name: options.name,
    folder,
    usable: false,
    files,
    revision: null as string | null,
    checksum: null as string | null,
    dimensions: null as number | null,
    problem: null as string | null,
  };
  try {
    result.revision = (await readManifest(folder))?.revision ?? null;
    if (files.every(({ present }) => present)) result.checksum = modelChecksum(await modelFileFacts(options));
    const embedder = await invocation.openEmbedder(withValues(settings, [['model.allowDownload', false]]), 1);
    result.dimensions = embedder.dimensions;
    await embedder.close();
    result.usable = true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    result.problem = `${messageOf(error)}${error.remedy === undefined ? '' : ` ${error.remedy}`}`;
  }
  invocation.emit(result);
  for (const { path, present, bytes } of files)
    invocation.say(
      `${present ? 'present' : 'MISSING'}  ${bytes === null ? '-'.padStart(10) : shown(bytes).padStart(10)}  ${path}`,
    );
  if (result.revision !== null) invocation.say(`revision ${result.revision}`);
  if (result.checksum !== null) invocation.say(`checksum ${result.checksum}`);
  invocation.say(
    result.usable
      ? `${result.name} is usable: ${result.dimensions} dimensions, ${settings.model.quantized ? 'int8' : 'full precision'}`
      : `${result.name} is NOT usable: ${result.problem}`,
  );
  return result.usable ? EXIT.done : EXIT.gate;
}

async function list(invocation: Invocation): Promise<number> {
  const { settings } = await invocation.config(['database', 'table', 'text']);
  const root = resolve(settings.model.localPath);
  const models = [];
  for (const folder of await modelFolders(root, 0)) {
    const size = async (file: string): Promise<number | null> =>
      (await stat(join(folder, 'onnx', file)).catch(() => null))?.size ?? null;
    const full = await size('model.onnx');
    const quantized = await size('model_quantized.onnx');
    const manifest = await readManifest(folder).catch(() => null);
    models.push({
      name: relative(root, folder).split(sep).join('/') || '.',
      folder,
      full: full !== null,
      quantized: quantized !== null,
      bytes: (full ?? 0) + (quantized ?? 0),
      revision: manifest?.revision ?? null,
    });
  }
  invocation.emit({ root, models });
  for (const { name, full, quantized, bytes, revision } of models) {
    const precisions = [...(full ? ['full precision'] : []), ...(quantized ? ['int8'] : [])];
    invocation.say(
      `${name}  ${precisions.join(' and ') || 'no graph'}  ${shown(bytes)}${revision === null ? '' : `  revision ${revision}`}`,
    );
  }
  if (models.length === 0)
    invocation.say(`no model in ${root}; \`pgvector-backfill model fetch\` fetches the configured one`);
  return EXIT.done;
}

/** <root>, <root>/<model> and <root>/<organisation>/<model>. */
async function modelFolders(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (entries.some((entry) => entry.isFile() && entry.name === 'config.json')) return [folder];
  if (depth === 2) return [];
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
  return (await Promise.all(below.map((name) => modelFolders(join(folder, name), depth + 1)))).flat();
}

const noFiles = (): ConfigError =>
  new ConfigError('With model.endpoint the model is on a server: there are no files here.', {
    code: 'USAGE',
    remedy: `Leave out ${optionName('model.endpoint')}, or ask that server.`,
  });

export const model: Command = {
  name: 'model',
  summary: [
    'The files of the configured model: fetch what is missing from the hub, check them, or list what is in model.localPath.',
    '`check` ends with 3 where the model cannot be used.',
  ].join('\n'),
  positionals: Object.keys(ACTIONS).join('|'),
  flags: {},
  options: [
    'model.name',
    'model.localPath',
    'model.allowDownload',
    'model.quantized',
    'model.revision',
    'model.checksum',
    'model.hub',
    'model.pooling',
    'model.maxTokens',
  ],
  run(invocation) {
    const [action = ''] = invocation.positionals;
    const run = ACTIONS[action];
    if (run === undefined || invocation.positionals.length > 1)
      throw new ConfigError(
        invocation.positionals.length === 0
          ? 'Which action is missing: check, fetch or list.'
          : `model has no action ${JSON.stringify(invocation.positionals.join(' '))}.`,
        {
          code: 'USAGE',
          remedy: 'Write it as in: pgvector-backfill model check (or fetch, or list).',
        },
      );
    return run(invocation);
  },
};

await runAsProgram(model, import.meta);
