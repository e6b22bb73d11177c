/** The connection service file. https://www.postgresql.org/docs/current/libpq-pgservice.html */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, messageOf } from '../../errors.ts';
import { optionName } from '../option-name.ts';

const invalid = (message: string, cause?: unknown): ConfigError =>
  new ConfigError(message, {
    code: 'CONFIG_SERVICE',
    remedy: `Correct env PGSERVICE or PGSERVICEFILE, or give the URL of the database by ${optionName('database.url')}.`,
    ...(cause === undefined ? {} : { cause }),
  });

/**
 * The user's file first, then the system's.
 * @param file by the parameter `servicefile`; where absent PGSERVICEFILE, then ~/.pg_service.conf
 * @throws ConfigError where the service is not to be found
 */
export function serviceParameters(
  service: string,
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): [name: string, value: string][] {
  const own = file ?? env['PGSERVICEFILE'] ?? join(env['HOME'] ?? homedir(), '.pg_service.conf');
  const files = [own, join(env['PGSYSCONFDIR'] ?? '/etc/postgresql-common', 'pg_service.conf')];
  for (const each of files) {
    if (!existsSync(each)) continue;
    let text: string;
    try {
      text = readFileSync(each, 'utf8');
    } catch (error) {
      throw invalid(`The service file ${each} cannot be read: ${messageOf(error)}.`, error);
    }
    const found = sectionOf(text, service, each);
    if (found !== null) return found;
  }
  throw invalid(`The service ${JSON.stringify(service)} is in none of ${files.join(', ')}.`);
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
