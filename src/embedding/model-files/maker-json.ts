/** Files of JSON in a model's folder that its makers may have put there. */

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export type Json = Record<string, unknown>;

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Null where it is not there, or is no JSON: what decides nothing without it is not stopped by it. */
function readAny(folder: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, file), 'utf8'));
  } catch {
    return null;
  }
}

/** The same of an object. */
export function readJson(folder: string, file: string): Json | null {
  const value = readAny(folder, file);
  return isJson(value) ? value : null;
}

export const MODULES = 'modules.json';

/** A part of a model, as sentence-transformers writes them down. */
export interface ModelModule {
  /** The last part of the name of its class. */
  kind: string;
  /** Below the model's folder, whatever the file says. */
  path: string;
}

/** In their order; null where nothing says so. */
export function readModules(folder: string): ModelModule[] | null {
  const parts = readAny(folder, MODULES);
  if (!Array.isArray(parts)) return null;
  return parts.filter(isJson).map(({ type, path }) => ({
    // sentence_transformers.models.Pooling
    kind: String(type).split('.').at(-1) ?? '',
    path: posix.normalize(`/${String(path)}`).slice(1),
  }));
}
