/** Flag over env over file over default → one frozen, typed settings object per backfill. */

import { optionName } from './option-name.ts';
import { ConfigError } from '../errors.ts';
import { crossChecks } from './cross-checks.ts';
import { isRecord, readConfigFile, type ConfigFile } from './file.ts';
import { databaseFromEnvironment } from './libpq/environment.ts';
import { formerFlag, type Option } from './option.ts';
import { OPTIONS, type OptionPath } from './options.ts';
import { settleQuantized } from './quantized.ts';
import { serviceLinkNote } from './service-link.ts';
import type { Settings } from './settings.ts';
import { valueAt, withValues } from './shape.ts';
import { updatedAtColumnOf } from './updated-at-column.ts';
import { unknownKeys } from './unknown-keys.ts';

export interface Config {
  /** Name of the backfill: chosen by --backfill, the only one of the file, or the table's name. */
  backfill: string;
  settings: Settings;
  file: string | null;
}

export interface LoadedConfig extends Config {
  /** Options that somebody has said; the others have their defaults. */
  given: ReadonlySet<OptionPath>;
}

export interface LoadInput {
  flags: Partial<Record<string, string | undefined>>;
  env: NodeJS.ProcessEnv;
  cwd: string;
  configPath?: string | undefined;
  backfill?: string | undefined;
  /** Options that this command can do without (the demo brings its own database, a search needs no queue). */
  optional?: OptionPath[];
  /** The verb that asks; options of another verb alone are not its own. All are where it is absent. */
  verb?: string;
  /** Options that this verb takes, where it does not take all. */
  options?: readonly OptionPath[];
}

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,62}$/u;
const REQUIRED: OptionPath[] = ['database.url', 'table', 'text'];

/** @throws ConfigError listing every problem, each with option, env variable, flag and file key. */
export async function loadConfig(input: LoadInput): Promise<LoadedConfig> {
  const file = await readConfigFile(input.configPath, input.cwd);
  const name = chooseBackfill(file, input.backfill);
  const section = name === null ? {} : sectionOf(file, name);
  const problems = [
    ...unknownKeys(file.content, 'global', ''),
    ...unknownKeys(section, 'backfill', `backfills.${name}.`),
  ];
  const values = new Map<OptionPath, unknown>();
  const given = new Set<OptionPath>();
  for (const [key, declared] of Object.entries(OPTIONS) as [OptionPath, Option][]) {
    values.set(key, undefined);
    const found = find(declared, input, declared.scope === 'global' ? file.content : section);
    if (found !== undefined) given.add(key);
    const value =
      found ?? (key === 'database.url' ? databaseFromEnvironment(input.env) : undefined) ?? declared.fallback;
    const required = REQUIRED.includes(key) && !(input.optional ?? []).includes(key);
    if (value === undefined) {
      const more = key === 'database.url' ? ', or by env PGHOST, PGDATABASE or PGSERVICE' : '';
      if (required) problems.push(`Option ${optionName(key, name)} is missing: ${declared.help}${more}.`);
      continue;
    }
    if (hasNul(value) && isUsed(key, declared, input)) {
      problems.push(`Option ${optionName(key, name)} holds a NUL character, which PostgreSQL cannot take.`);
      continue;
    }
    const checked = declared.schema.safeParse(value);
    if (checked.success) values.set(key, checked.data);
    else if (!isUsed(key, declared, input)) {
      values.set(key, declared.fallback);
    } else {
      const shown = declared.secret || hasUser(value) ? '' : ` (got ${JSON.stringify(value)})`;
      problems.push(
        `Option ${optionName(key, name)}: ${checked.error.issues.map((issue) => issue.message).join('; ')}${shown}.${serviceLinkNote(declared, value)}`,
      );
    }
  }
  // A queue in the very database listens on a session, which is nobody's behind a pooler: it goes the same way past it.
  const direct = values.get('database.direct');
  if (direct !== undefined && values.get('queue') === values.get('database.url')) values.set('queue', direct);
  const column = values.get('column');
  if (values.get('updatedAtColumn') === undefined && typeof column === 'string')
    values.set('updatedAtColumn', updatedAtColumnOf(column));
  const contradiction = settleQuantized(values, given.has('model.dtype'), name);
  if (contradiction !== null) problems.push(contradiction);
  if (given.delete('model.quantized')) given.add('model.dtype');
  const settings = withValues({}, values) as Settings;
  if (problems.length === 0)
    problems.push(
      ...crossChecks(settings, name, given.has('model.maxTokens') || settings.model.endpoint !== undefined),
    );
  const backfill = name ?? input.backfill ?? nameFromTable(settings.table ?? 'demo');
  if (problems.length === 0 && !NAME.test(backfill)) {
    problems.push(
      `The backfill name ${JSON.stringify(backfill)} must be 1 to 63 letters, digits, '.', '_' or '-'; choose one with --backfill.`,
    );
  }
  if (problems.length > 0) {
    throw new ConfigError(problems.join('\n'), {
      code: 'CONFIG_INVALID',
      remedy: `Set the option by its flag, its env variable or its key in ${file.path ?? 'backfill.config.json'}; every command lists them with --help.`,
    });
  }
  return { backfill, settings, file: file.path, given };
}

/**
 * What is set for another process must not stop this one: a variable of the dashboard's that the orchestrator injects, a
 * database of the application's where none is asked for. Options of a backfill are one whole: a run is planned by them.
 */
function isUsed(name: OptionPath, declared: Option, { flags, verb, options }: LoadInput): boolean {
  // Given to this very verb.
  if (flagOf(declared, flags) !== undefined) return true;
  if (declared.scope === 'global' && options !== undefined && !options.includes(name)) return false;
  return verb === undefined || declared.verb === null || declared.verb === verb;
}

/** An address with a user in it, well formed or not. */
const hasUser = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.some(hasUser)
    : typeof value === 'string' && value.includes('@') && value.includes('/');

/** As it is typed now, or was in an earlier release. */
function flagOf(declared: Option, flags: LoadInput['flags']): string | undefined {
  const former = formerFlag(declared);
  return flags[declared.flag] ?? (former === null ? undefined : flags[former]);
}

function find(declared: Option, input: LoadInput, section: Record<string, unknown>): unknown {
  const flag = flagOf(declared, input.flags);
  if (flag !== undefined) return declared.parse(flag);
  const env = input.env[declared.env];
  // An empty variable is how compose files and CI systems pass "not set".
  if (env !== undefined && env !== '') return declared.parse(env);
  return inFile(declared, section) ?? undefined;
}

function inFile({ path, name, isGroup, formerly }: Option, section: Record<string, unknown>): unknown {
  const group = isGroup ? valueAt(section, name) : undefined;
  if (group !== undefined && !isRecord(group)) return group;
  return valueAt(section, path) ?? (formerly === null ? undefined : valueAt(section, formerly));
}

function chooseBackfill(file: ConfigFile, wanted: string | undefined): string | null {
  const section = file.content['backfills'];
  if (section !== undefined && !isRecord(section)) {
    throw new ConfigError(
      `The file key backfills in ${file.path} must hold an object: backfill name → its options.`,
      { code: 'CONFIG_INVALID' },
    );
  }
  const names = Object.keys(section ?? {});
  if (names.length === 0) return null;
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw new ConfigError(
      `There is no backfill ${JSON.stringify(wanted)} in ${file.path}; it has ${names.join(', ')}.`,
      {
        code: 'CONFIG_BACKFILL_UNKNOWN',
        remedy: 'Name one of them with --backfill.',
      },
    );
  }
  if (names.length === 1) return names[0] ?? null;
  throw new ConfigError(`${file.path} has several backfills: ${names.join(', ')}.`, {
    code: 'CONFIG_BACKFILL_AMBIGUOUS',
    remedy: 'Choose one with --backfill NAME.',
  });
}

function sectionOf(file: ConfigFile, name: string): Record<string, unknown> {
  const section = (file.content['backfills'] as Record<string, unknown>)[name];
  if (isRecord(section)) return section;
  throw new ConfigError(`The file key backfills.${name} in ${file.path} must hold an object.`, {
    code: 'CONFIG_INVALID',
  });
}

/** Also in the strings of lists and objects. */
const hasNul = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.includes('\0')
    : typeof value === 'object' && value !== null && Object.values(value).some(hasNul);

function nameFromTable(table: string): string {
  const last = table.split('.').at(-1) ?? table;
  const clean = last.replaceAll('"', '').replaceAll(/[^\p{L}\p{N}_.-]/gu, '_');
  // By characters: half of one would be no letter.
  return Array.from(clean).slice(0, 63).join('');
}
