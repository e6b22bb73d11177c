/** ~/.pgpass. https://www.postgresql.org/docs/current/libpq-pgpass.html */

import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { invalidParameter } from '../../config/libpq/invalid.ts';
import { codeOf } from '../sqlstates.ts';

export interface Login {
  host: string;
  port: number;
  database: string;
  user: string;
}

/** Folders of sockets that are known as localhost. */
const USUAL_SOCKETS = new Set(['/tmp', '/var/run/postgresql', '/run/postgresql']);
const OTHERS = 0o077;
/** Before the password: host, port, database, user. */
const LOGIN_FIELDS = 4;

/** Undefined where it has none. @throws ConfigError where others may read it, in which libpq sees a reason to pass over it */
export function passwordFromFile(
  login: Login,
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const path =
    named ??
    (process.platform === 'win32'
      ? join(env['APPDATA'] ?? '.', 'postgresql', 'pgpass.conf')
      : join(env['HOME'] ?? homedir(), '.pgpass'));
  let text: string;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return undefined;
    if (process.platform !== 'win32' && (stat.mode & OTHERS) !== 0)
      throw invalidParameter(
        `The password file ${path} may be read by others, so nothing is taken from it.`,
        `chmod 600 ${path}`,
      );
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const host = USUAL_SOCKETS.has(login.host) ? 'localhost' : login.host;
  const wanted = [host, String(login.port), login.database, login.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    const password = fields[wanted.length];
    if (password === undefined) continue;
    if (wanted.every((value, at) => fields[at] === '*' || fields[at] === value)) return password;
  }
  return undefined;
}

/** Between colons; a backslash stands before a colon or a backslash that is meant. What is behind the last one is the password. */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  let field = '';
  for (let at = 0; at < line.length; at++) {
    const escaped = line[at] === '\\' && at + 1 < line.length;
    if (escaped) at++;
    if (escaped || line[at] !== ':' || fields.length === LOGIN_FIELDS) field += line[at];
    else {
      fields.push(field);
      field = '';
    }
  }
  return [...fields, field];
}
