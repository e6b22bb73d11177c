/**
 * The database by libpq's own environment variables and its connection service file, as psql takes them.
 * https://www.postgresql.org/docs/current/libpq-envars.html, https://www.postgresql.org/docs/current/libpq-pgservice.html
 */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { optionName } from './option-name.ts';
import { ConfigError, messageOf } from '../errors.ts';

/** Parameters of libpq that the driver has, too, by their names in a URL. PGPASSWORD and PGPASSFILE it reads by itself. */
const VARIABLES = {
  host: 'PGHOST',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  options: 'PGOPTIONS',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
} as const;

/** Null where none of the variables that name a database is set. @throws ConfigError where the service is not to be found */
export function databaseFromEnvironment(env: NodeJS.ProcessEnv): string | null {
  const { PGSERVICE: service = '' } = env;
  if (service === '' && [env['PGHOST'], env['PGDATABASE']].every((each) => (each ?? '') === '')) return null;
  const given = Object.entries(VARIABLES).flatMap(([name, variable]) => {
    const value = env[variable] ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  // What the service says goes before the other variables, as in libpq.
  return urlOf(new Map([...given, ...(service === '' ? [] : serviceOf(service, env))]));
}

function urlOf(parameters: Map<string, string>): string {
  const query = new URLSearchParams();
  for (const [name, value] of parameters) {
    if (name === 'dbname') continue;
    query.set(name === 'hostaddr' ? 'host' : name, value);
  }
  // The driver decodes of a path what encodeURI encodes, and no more.
  return `postgres:///${encodeURI(parameters.get('dbname') ?? '')}?${query.toString().replaceAll('+', '%20')}`;
}

const invalid = (message: string, cause?: unknown): ConfigError =>
  new ConfigError(message, {
    code: 'CONFIG_SERVICE',
    remedy: `Correct env PGSERVICE or PGSERVICEFILE, or give the URL of the database by ${optionName('database.url')}.`,
    ...(cause === undefined ? {} : { cause }),
  });

/** The user's file first, then the system's. */
function serviceOf(service: string, env: NodeJS.ProcessEnv): [name: string, value: string][] {
  const own = env['PGSERVICEFILE'] ?? join(env['HOME'] ?? homedir(), '.pg_service.conf');
  const files = [own, join(env['PGSYSCONFDIR'] ?? '/etc/postgresql-common', 'pg_service.conf')];
  for (const file of files) {
    if (!existsSync(file)) continue;
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw invalid(`The service file ${file} cannot be read: ${messageOf(error)}.`, error);
    }
    const found = sectionOf(text, service, file);
    if (found !== null) return found;
  }
  throw invalid(`The service ${JSON.stringify(service)} of env PGSERVICE is in none of ${files.join(', ')}.`);
}

/** An INI file: `[service]`, then `keyword=value` a line. */
function sectionOf(text: string, service: string, file: string): [string, string][] | null {
  let found: [string, string][] | null = null;
  let isHere = false;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const [, section] = /^\[(.*)\]$/.exec(trimmed) ?? [];
    if (section !== undefined) {
      if (found !== null) return found;
      isHere = section === service;
      if (isHere) found = [];
      continue;
    }
    if (!isHere) continue;
    const [, name, value] = /^([a-z_]+)\s*=(.*)$/.exec(trimmed) ?? [];
    // Never the line itself: it may be a password.
    if (name === undefined || value === undefined)
      throw invalid(
        `Line ${at + 1} of the service file ${file} is no keyword=value, which is all that is read here.`,
      );
    found?.push([name, value.trim()]);
  }
  return found;
}
