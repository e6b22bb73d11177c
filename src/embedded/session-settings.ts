/**
 * Session settings per client. The one session's settings are switched to those of the client whose turn it is: what
 * its connection string asked for (application_name, options=-c …) and what it has SET since. They are read back
 * from pg_settings after a statement that may have changed them, so every form of SET counts.
 * Not covered: SET ROLE, SET SESSION AUTHORIZATION, settings changed inside a function or DO block, and settings of
 * an application's own (my_app.user) and of an extension that is not loaded yet.
 */

import { quoteLiteral } from '../db/identifiers.ts';
import { PUT_BY } from '../db/search-path.ts';
import { readRows } from './backend-output.ts';
import { ProtocolError, query } from './frames.ts';

export type StartupParameters = ReadonlyMap<string, string>;

/** transaction_* follow the transaction and cannot be set outside one. One of our own, which no list of the server's has. */
export const READ_SETTINGS = query(
  `SELECT name, setting FROM pg_catalog.pg_settings
    WHERE source = 'session' AND context IN ('user', 'superuser') AND name NOT LIKE 'transaction\\_%'
   UNION ALL SELECT '${PUT_BY}', value FROM pg_catalog.current_setting('${PUT_BY}', true) AS own (value) WHERE value <> ''`,
);

/** Not settings, or of a kind that this server does not have. */
const NOT_A_SETTING = new Set(['user', 'database', 'replication', 'options']);
const SETTING_NAME = /^[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*$/;

export function sameSettings(left: StartupParameters, right: StartupParameters): boolean {
  return left.size === right.size && [...left].every(([name, value]) => right.get(name) === value);
}

export function readSettings(output: Buffer): StartupParameters {
  return new Map(readRows(output).map(([name, setting]) => [(name ?? '').toLowerCase(), setting ?? '']));
}

/** Takes the session from one client's settings to another's. The empty string where there is nothing to do. */
export function switchSettingsSql(from: StartupParameters, to: StartupParameters): string {
  const resets = [...from.keys()].filter((name) => !to.has(name)).map((name) => `RESET ${name}`);
  const sets = [...to]
    .filter(([name, value]) => from.get(name) !== value)
    .map(([name, value]) => `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`);
  return [...resets, ...(sets.length === 0 ? [] : [`SELECT ${sets.join(', ')}`])].join('; ');
}

/** What the session has after a RESET: the start-up's values come back, as they do on a real server. */
export function withStartupSettings(read: StartupParameters, startup: StartupParameters): StartupParameters {
  return new Map([...startup, ...read]);
}

/** @param parameters of the start-up message, `options` (`-c name=value …`) among them. */
export function startupSettings(parameters: ReadonlyMap<string, string>): StartupParameters {
  const settings = new Map<string, string>();
  const put = (name: string, value: string): void => {
    if (!SETTING_NAME.test(name))
      throw new ProtocolError(`unrecognized configuration parameter "${name}"`, '42704');
    settings.set(name.toLowerCase(), value);
  };
  for (const [name, value] of parameters) {
    if (name === 'options') for (const [key, each] of parseOptions(value)) put(key, each);
    // The encoding stays UTF-8, and the client is told so.
    else if (!NOT_A_SETTING.has(name) && !name.startsWith('_pq_.') && name !== 'client_encoding')
      put(name, value);
  }
  return settings;
}

/** `-c name=value`, `-cname=value`, `--name=value`; a backslash keeps a space or backslash. */
function* parseOptions(options: string): Generator<[string, string]> {
  const words = (options.match(/(?:\\.|[^\s\\])+/gs) ?? []).map((word) => word.replace(/\\(.)/gs, '$1'));
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const assignment = word === '-c' ? (words[(index += 1)] ?? '') : word.replace(/^(?:-c|--)/, '');
    const equals = assignment.indexOf('=');
    if (!/^-(?:c|-)/.test(word) || equals < 1) {
      throw new ProtocolError(`invalid command-line argument for server process: ${word}`, '42601');
    }
    // The dashes of --lock-timeout are underscores, as on the command line of postgres.
    yield [assignment.slice(0, equals).replaceAll('-', '_'), assignment.slice(equals + 1)];
  }
}
