/** How one option is declared: name in the file, env variable, flag, type, default and help in one place. */

import type { z } from 'zod';

/** Of all backfills of a file, or of one of them. */
export type OptionScope = 'global' | 'backfill';

/** As it is declared; its place among the others says the rest. */
export interface Declared<T, S extends OptionScope> {
  scope: S;
  /** Checks the value after `parse`; its output type is the option's type. */
  schema: z.ZodType<T>;
  /** Turns an env or flag string into the value that a file would hold. */
  parse: (raw: string) => unknown;
  /** Value where nothing is given; undefined means that the option may be absent or is required (see the schema). */
  fallback: T | undefined;
  help: string;
  /** Never printed or stored. */
  secret: boolean;
  /** The one verb that reads it, where it is one process's own; null where several do. */
  verb: string | null;
  /** Undefined: by the path. */
  env: string | undefined;
  flag: string | undefined;
  /** Its group goes by its name: in a file, a value in the place of the group is this one. */
  isGroup: boolean;
  /** Path of an earlier release, which files and flags may still have. */
  formerly: string | null;
}

export interface Option<
  T = unknown,
  S extends OptionScope = OptionScope,
  P extends string = string,
> extends Declared<T, S> {
  /** Key in the configuration file; options of a backfill stand below `backfills.<name>`. */
  path: P;
  /** What it is called: the path, or the group where that goes by its name. */
  name: string;
  env: string;
  /** Long flag without the dashes. */
  flag: string;
}

interface Declaration<T, S extends OptionScope> {
  /** `backfill` where absent. */
  scope?: S;
  env?: string;
  flag?: string;
  schema: z.ZodType<T>;
  parse?: (raw: string) => unknown;
  fallback?: T;
  help: string;
  secret?: boolean;
  verb?: string;
  isGroup?: boolean;
  formerly?: string;
}

export function option<T, S extends OptionScope = 'backfill'>(
  declaration: Declaration<T, S>,
): Declared<T, S> {
  return {
    scope: declaration.scope ?? ('backfill' as S),
    schema: declaration.schema,
    parse: declaration.parse ?? ((raw) => raw),
    fallback: declaration.fallback,
    help: declaration.help,
    secret: declaration.secret ?? false,
    verb: declaration.verb ?? null,
    env: declaration.env,
    flag: declaration.flag,
    isGroup: declaration.isGroup ?? false,
    formerly: declaration.formerly ?? null,
  };
}

/** And not a group of them, whose members are objects. */
export const isDeclared = (each: object): each is Declared<unknown, OptionScope> =>
  'help' in each && typeof each.help === 'string';

/** What a declaration leaves open follows from its place: `index.efConstruction` → `--index-ef-construction`. */
export function optionAt(path: string, declared: Declared<unknown, OptionScope>): Option {
  const flag = declared.flag ?? kebab(path);
  const env = declared.env ?? `BACKFILL_${flag.replaceAll('-', '_').toUpperCase()}`;
  const name = declared.isGroup ? path.slice(0, path.lastIndexOf('.')) : path;
  return { ...declared, path, name, flag, env };
}

/** The flag of an earlier release; null where there was no other. */
export const formerFlag = ({ formerly }: Pick<Option, 'formerly'>): string | null =>
  formerly === null ? null : kebab(formerly);

/** Where it stands in the configuration file. @param backfill its name, where it is known */
export const fileKey = (
  { name, scope }: Pick<Option, 'name' | 'scope'>,
  backfill: string | null = null,
): string => (scope === 'global' ? name : `backfills.${backfill ?? '<name>'}.${name}`);

const kebab = (path: string): string =>
  path.replaceAll('.', '-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Leaves what is no number as it is, so that the schema's message shows what was typed. */
export function parseNumber(raw: string): unknown {
  return raw.trim() !== '' && Number.isFinite(Number(raw)) ? Number(raw) : raw;
}

export function parseBoolean(raw: string): unknown {
  if (['true', '1', 'yes', 'on'].includes(raw.toLowerCase())) return true;
  return ['false', '0', 'no', 'off'].includes(raw.toLowerCase()) ? false : raw;
}

/** `title,body` → columns; `sql:title || body` → an expression. */
export function parseText(raw: string): unknown {
  if (raw.startsWith('sql:')) return { sql: raw.slice('sql:'.length) };
  return parseList(raw);
}

/** `a, b` → both. */
export function parseList(raw: string): string[] {
  return raw
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `a` → that name, as it is; `a,b` → both. */
export const parseNames = (raw: string): unknown => (raw.includes(',') ? parseList(raw) : raw);

/** Nothing typed is a mistake: it is left as it is, so that the schema refuses it. */
export function parseNonEmptyList(raw: string): unknown {
  const list = parseList(raw);
  return list.length === 0 ? raw : list;
}

const SIZES: Record<string, number> = { '': 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

/**
 * `10` → holds at 10; `10:600` → and stops at 600; `off` in the place of either. With `sizes` also `512MB`, in bytes.
 * Leaves what is none as it is, so that the schema refuses it.
 */
export function parseLimits(raw: string, sizes: boolean): unknown {
  const parts = raw.split(':');
  const [hold, stop] = [parts[0] ?? '', parts[1] ?? 'off'].map((part) => parseLimit(part.trim(), sizes));
  return hold === undefined || stop === undefined || parts.length > 2 ? raw : { hold, stop };
}

function parseLimit(raw: string, sizes: boolean): number | null | undefined {
  if (raw === 'off') return null;
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB|)$/.exec(raw) ?? [];
  if (digits === undefined || unit === undefined || (unit !== '' && !sizes)) return undefined;
  return Number(digits) * (SIZES[unit] ?? 1);
}

/** Leaves what is no JSON as it is, so that the schema refuses it. */
export function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
