/** Connections that go to another host without encryption: what they carry (texts, vectors, passwords) can be read on the way. */

import { optionName } from './option-name.ts';
import { OPTIONS } from './options.ts';
import type { Settings } from './settings.ts';

/** Names and addresses of this machine; a path is a socket. */
const THIS_MACHINE = /^(?:localhost|[\w.-]+\.localhost|127(?:\.\d+){3}|::1|\[::1\]|\/.*|)$/i;
/** Of node-postgres: with any other there is TLS. */
const PLAIN_MODES = new Set(['', 'disable', 'allow']);

type Addresses = Pick<Settings, 'database' | 'queue'> & { model: Pick<Settings['model'], 'endpoint'> };
type OptionOf = 'database.url' | 'database.direct' | 'queue' | 'model.endpoint';

export interface PlainText {
  /** Path of the option. */
  option: string;
  message: string;
  remedy: string;
}

/** @param env where PGSSLMODE may stand, which node-postgres goes by */
export function plainTextConnections(settings: Addresses, env: NodeJS.ProcessEnv = process.env): PlainText[] {
  const {
    database: { url, direct },
    queue,
    model: { endpoint = '' },
  } = settings;
  const found: PlainText[] = [];
  const add = (name: OptionOf, what: string, hosts: string[], remedy: string): void => {
    const others = hosts.filter((host) => !THIS_MACHINE.test(host));
    if (others.length === 0) return;
    found.push({
      option: OPTIONS[name].name,
      message: `The connection to ${what} ${others.join(', ')} is not encrypted: whoever is on the way can read and change what it carries.`,
      remedy: `${remedy} in ${optionName(name)}, or keep it on a network that nobody else is on.`,
    });
  };
  const sslMode = env['PGSSLMODE'] ?? '';
  const postgres = 'Add sslmode=verify-full to the URL';
  if (isPlainPostgres(url, sslMode)) add('database.url', 'the database at', hostsOf(url), postgres);
  if (direct !== undefined && isPlainPostgres(direct, sslMode))
    add('database.direct', 'the database at', hostsOf(direct), postgres);
  if (queue.startsWith('postgres')) {
    if (queue !== url && isPlainPostgres(queue, sslMode))
      add('queue', 'the queue at', hostsOf(queue), postgres);
  } else if (/^redis(?:\+\w+)?:/.test(queue))
    add('queue', 'the queue at', hostsOf(queue), 'Write rediss:// in place of redis://');
  if (/^http:/i.test(endpoint))
    add('model.endpoint', 'the model at', hostsOf(endpoint), 'Write https:// in place of http://');
  return found;
}

function isPlainPostgres(url: string, sslMode: string): boolean {
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '');
  if (['true', '1'].includes(query.get('ssl') ?? '')) return false;
  return PLAIN_MODES.has(query.get('sslmode') ?? sslMode);
}

/** Of a URL that may name several; a host in the query wins, as for libpq. */
function hostsOf(url: string): string[] {
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '').get('host');
  if (query !== null) return query.split(',');
  const authority = /^[^:]+:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url)?.[1] ?? '';
  return authority.split(',').map((each) => each.replace(/:\d*$/, ''));
}
