/** `model fetch`, `model check`, `model list`. */

import { resolve } from 'node:path';
import type { Invocation } from '../../src/cli/command.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { optionName } from '../../src/config/option-name.ts';
import type { Settings } from '../../src/config/settings.ts';
import { checkModel } from '../../src/embedding/model-files/check.ts';
import { fetchModel } from '../../src/embedding/model-files/download.ts';
import { listModels } from '../../src/embedding/model-files/list.ts';
import { modelOptions } from '../../src/embedding/open-embedder.ts';
import { ConfigError } from '../../src/errors.ts';
import { DownloadLine } from '../../src/terminal/download-line.ts';
import { checkedLines, fetchedLines, listedLines } from '../../src/terminal/model-lines.ts';

/** The operator asks for it in so many words: model.allowDownload need not be set. */
export async function fetch(invocation: Invocation): Promise<number> {
  const settings = await settingsOfFiles(invocation);
  const line = new DownloadLine(invocation.host.stderr);
  const result = await fetchModel(modelOptions(settings), {
    signal: invocation.signal,
    notice: (text) => line.say(text),
    onProgress: (file, bytes, total) => line.show(file, bytes, total),
  }).finally(() => line.end());
  invocation.emit(result);
  for (const each of fetchedLines(result)) invocation.say(each);
  return EXIT.done;
}

export async function check(invocation: Invocation): Promise<number> {
  const settings = await settingsOfFiles(invocation);
  const result = await checkModel(settings, invocation.openEmbedder);
  invocation.emit(result);
  for (const line of checkedLines(result)) invocation.say(line);
  return result.usable ? EXIT.done : EXIT.gate;
}

export async function list(invocation: Invocation): Promise<number> {
  const { settings } = await invocation.config(['database.url', 'table', 'text']);
  const root = resolve(settings.model.localPath);
  const models = await listModels(root);
  invocation.emit({ root, models });
  for (const line of listedLines(root, models)) invocation.say(line);
  return EXIT.done;
}

/** @throws ConfigError where the model is on a server */
async function settingsOfFiles(invocation: Invocation): Promise<Settings> {
  const { settings } = await invocation.config(['database.url', 'table', 'text']);
  if (settings.model.endpoint === undefined) return settings;
  throw new ConfigError('With model.endpoint the model is on a server: there are no files here.', {
    code: 'USAGE',
    remedy: `Leave out ${optionName('model.endpoint')}, or ask that server.`,
  });
}
