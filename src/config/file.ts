/** Finds and reads `backfill.config.{ts,js,mjs,json}`. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, messageOf } from '../errors.ts';
import { importTypeScript } from './typescript-module.ts';

const NAMES = ['ts', 'js', 'mjs', 'json'].map((extension) => `backfill.config.${extension}`);

export interface ConfigFile {
  /** Path as shown to people; null where there is no file. */
  path: string | null;
  content: Record<string, unknown>;
}

/** A plain object, as opposed to null, an array or a scalar. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads `explicit`, or the first of the usual names in `directory`; no file at all is fine. */
export async function readConfigFile(explicit: string | undefined, directory: string): Promise<ConfigFile> {
  const path = explicit ?? NAMES.find((name) => existsSync(resolve(directory, name)));
  if (path === undefined) return { path: null, content: {} };
  const absolute = resolve(directory, path);
  if (!existsSync(absolute)) {
    throw new ConfigError(`The configuration file ${path} does not exist.`, {
      code: 'CONFIG_FILE_MISSING',
      remedy: 'Name an existing file with --config, or leave it out to use backfill.config.{ts,js,json}.',
    });
  }
  let content: unknown;
  try {
    content = await load(absolute);
  } catch (error) {
    throw new ConfigError(`The configuration file ${path} cannot be read: ${messageOf(error)}`, {
      code: 'CONFIG_FILE_UNREADABLE',
      remedy: 'Correct the file: JSON, or a module whose default export is the configuration.',
      cause: error,
    });
  }
  if (!isRecord(content)) {
    throw new ConfigError(`The configuration file ${path} does not hold an object.`, {
      code: 'CONFIG_FILE_SHAPE',
      remedy: 'Export { database, queue, backfills: { … } } as the default export, or write it as JSON.',
    });
  }
  return { path, content };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // Node quotes the text around the fault, and that may be a part of a password; so no cause either.
    throw new SyntaxError(messageOf(error).replace(/, .*is not valid JSON$/s, ' in JSON'));
  }
}

async function load(path: string): Promise<unknown> {
  if (extname(path) === '.json') return parseJson(await readFile(path, 'utf8'));
  const url = pathToFileURL(path).href;
  const loaded: unknown = extname(path) === '.ts' ? await importTypeScript(url) : await import(url);
  const exported = isRecord(loaded) && 'default' in loaded ? loaded['default'] : loaded;
  // A CommonJS interop layer may have wrapped the default export once more.
  return isRecord(exported) && '__esModule' in exported && 'default' in exported
    ? exported['default']
    : exported;
}
