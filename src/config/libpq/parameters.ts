/**
 * What a connection goes by: the parameters of the URL over those of a service over those of the environment, as libpq has
 * them. https://www.postgresql.org/docs/current/libpq-connect.html
 */

import { isIPv6 } from 'node:net';
import { userInfo } from 'node:os';
import { databaseUrlProblem, partsOf } from '../values/server-url.ts';
import { environmentParameters } from './environment.ts';
import { invalidParameter } from './invalid.ts';
import { serviceParameters } from './service-file.ts';

export interface Host {
  /** A name, an address, or the folder of a socket; certificates are held to it. */
  host: string;
  /** To connect to, where it is not to be looked up. */
  hostaddr: string | null;
  port: number;
}

export interface ConnectionParameters {
  hosts: Host[];
  user: string;
  database: string;
  /** By libpq's names, empty ones left out. */
  more: ReadonlyMap<string, string>;
}

const DEFAULT_PORT = '5432';

/** @throws ConfigError naming what is wrong, and nothing of a password */
export function connectionParameters(
  url: string,
  env: NodeJS.ProcessEnv = process.env,
): ConnectionParameters {
  const problem = databaseUrlProblem(url);
  if (problem !== null) throw invalidParameter(`The URL of the database ${problem}.`);
  const given = urlParameters(url);
  const service = given.get('service') ?? env['PGSERVICE'] ?? '';
  const more = new Map([
    ...environmentParameters(env),
    ...(service === '' ? [] : serviceParameters(service, given.get('servicefile'), env)),
    ...given,
  ]);
  for (const [name, value] of more) if (value === '') more.delete(name);
  const user = more.get('user') ?? env['USER'] ?? ownName();
  return { hosts: hostsOf(more), user, database: more.get('dbname') ?? user, more };
}

/** What is in the URL itself. It has to be one that is taken. */
export function urlParameters(url: string): Map<string, string> {
  const { credentials, hosts, path, rawQuery } = partsOf(url) ?? {
    credentials: '',
    hosts: '',
    path: '',
    rawQuery: '',
  };
  const found = new Map<string, string>();
  const add = (name: string, value: string): void => {
    if (value !== '') found.set(name, value);
  };
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(credentials) ?? [];
  add('user', decoded(user));
  add('password', decoded(password));
  const named = hosts.split(',').map((each) => /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(each) ?? []);
  add('host', named.map(([, host = '']) => decoded(host.replace(/^\[(.*)\]$/, '$1'))).join(','));
  if (named.some(([, , port = '']) => port !== ''))
    add('port', named.map(([, , port = '']) => port).join(','));
  add('dbname', decoded(path));
  for (const each of rawQuery.split('&')) {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(each) ?? [];
    // A form writes a blank as '+', and no setting of a session has one; a password may.
    add(decoded(name), decoded(name === 'options' ? value.replaceAll('+', ' ') : value));
  }
  // The driver's own word.
  const ssl = found.get('ssl');
  const mode = ssl === undefined ? undefined : SSL[ssl];
  if (mode !== undefined && !found.has('sslmode')) found.set('sslmode', mode);
  return found;
}

const SSL: Record<string, string | undefined> = {
  true: 'verify-full',
  1: 'verify-full',
  false: 'disable',
  0: 'disable',
  'no-verify': 'no-verify',
};

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A container's user may have none. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'postgres';
  }
}

function hostsOf(parameters: ReadonlyMap<string, string>): Host[] {
  const list = (name: string): string[] => parameters.get(name)?.split(',') ?? [];
  const [names, addresses, ports] = [list('host'), list('hostaddr'), list('port')];
  const count = Math.max(names.length, addresses.length, 1);
  const fits = (each: string[], what: string): void => {
    if (each.length > 1 && each.length !== count)
      throw invalidParameter(`There are ${each.length} of ${what} for ${count} hosts: give one for each.`);
  };
  if (names.length > 0 && addresses.length > 0 && names.length !== addresses.length)
    throw invalidParameter(
      `There are ${addresses.length} of hostaddr for ${names.length} hosts: give one for each.`,
    );
  fits(ports, 'port');
  return Array.from({ length: count }, (_, at) => {
    const port = (ports.length === 1 ? ports[0] : ports[at]) ?? '';
    const number = Number(port === '' ? DEFAULT_PORT : port);
    if (!Number.isInteger(number) || number < 1 || number > 65_535)
      throw invalidParameter(`The port ${JSON.stringify(port)} is no number from 1 to 65535.`);
    const address = addresses[at] ?? '';
    return {
      host:
        names[at] === undefined || names[at] === '' ? (address === '' ? 'localhost' : address) : names[at],
      hostaddr: address === '' ? null : address,
      port: number,
    };
  });
}

/** host:port/database, never credentials. */
export function describeDatabaseUrl(url: string): string {
  try {
    const { hosts, database } = connectionParameters(url);
    return `${hosts.map(({ host, port }) => `${isIPv6(host) ? `[${host}]` : host}:${port}`).join(',')}/${database}`;
  } catch {
    return '(unreadable URL)';
  }
}
