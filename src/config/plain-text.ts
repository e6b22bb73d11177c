/** Connections that go to another host without encryption: what they carry (texts, vectors, passwords) can be read on the way. */

import { connectionParameters } from './libpq/parameters.ts';
import { optionName } from './option-name.ts';
import { OPTIONS } from './options.ts';
import type { Settings } from './settings.ts';

/** Names and addresses of this machine; a path is a socket. */
const THIS_MACHINE = /^(?:localhost|[\w.-]+\.localhost|127(?:\.\d+){3}|::1|\[::1\]|\/.*|)$/i;
/** Not encrypted, or only where the server will have it so: whoever is on the way can say that it will not. */
const PLAIN_MODES = new Set(['disable', 'allow', 'prefer']);

type Addresses = Pick<Settings, 'database' | 'queue'> & { model: Pick<Settings['model'], 'endpoint'> };
type OptionOf = 'database.url' | 'database.direct' | 'queue' | 'model.endpoint';

export interface PlainText {
  /** Path of the option. */
  option: string;
  message: string;
  remedy: string;
}

/** @param env where PGSSLMODE and the rest of it may stand */
export function plainTextConnections(settings: Addresses, env: NodeJS.ProcessEnv = process.env): PlainText[] {
  const {
    database: { url, direct },
    queue,
    model: { endpoint = '' },
  } = settings;
  const found: PlainText[] = [];
  const add = (
    name: OptionOf,
    what: string,
    hosts: readonly string[],
    remedy: string,
    asOffered = false,
  ): void => {
    const others = hosts.filter((host) => !THIS_MACHINE.test(host));
    if (others.length === 0) return;
    found.push({
      option: OPTIONS[name].name,
      message: `The connection to ${what} ${others.join(', ')} is not encrypted${asOffered ? ' where the server, or whoever is on the way, says that it offers no TLS' : ''}: whoever is on the way can read and change what it carries.`,
      remedy: `${remedy} in ${optionName(name)}, or keep it on a network that nobody else is on.`,
    });
  };
  const addPostgres = (name: OptionOf, what: string, address: string): void => {
    const { hosts, asOffered } = plainHosts(address, env);
    add(name, what, hosts, 'Add sslmode=verify-full to the URL', asOffered);
  };
  addPostgres('database.url', 'the database at', url);
  if (direct !== undefined) addPostgres('database.direct', 'the database at', direct);
  if (queue.startsWith('postgres')) {
    if (queue !== url && queue !== direct) addPostgres('queue', 'the queue at', queue);
  } else if (/^redis(?:\+\w+)?:/.test(queue))
    add('queue', 'the queue at', hostsOf(queue), 'Write rediss:// in place of redis://');
  if (/^http:/i.test(endpoint))
    add('model.endpoint', 'the model at', hostsOf(endpoint), 'Write https:// in place of http://');
  return found;
}

/** Hosts of a database that need not be encrypted to; none of an address that cannot be read, which is said elsewhere. */
function plainHosts(url: string, env: NodeJS.ProcessEnv): { hosts: string[]; asOffered: boolean } {
  try {
    const { hosts, more } = connectionParameters(url, env);
    const holds = ['sslrootcert', 'sslcert', 'sslkey'].some((name) => more.has(name));
    const mode = more.get('sslmode') ?? (holds ? 'verify-full' : 'disable');
    return {
      hosts: PLAIN_MODES.has(mode) ? hosts.map(({ host }) => host) : [],
      asOffered: mode === 'prefer',
    };
  } catch {
    return { hosts: [], asOffered: false };
  }
}

function hostsOf(url: string): string[] {
  const authority = /^[^:]+:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url)?.[1] ?? '';
  return authority.split(',').map((each) => each.replace(/:\d*$/, ''));
}
