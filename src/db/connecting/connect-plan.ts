/** From a URL and the environment to what the driver is told, once for each connection. */

import type pg from 'pg';
import { invalidParameter } from '../../config/libpq/invalid.ts';
import { connectionParameters } from '../../config/libpq/parameters.ts';
import { passwordFromFile } from './password-file.ts';
import { encryptionsOf, type Encryption } from './tls-options.ts';

/** One server, in one way. */
export interface Attempt {
  host: string;
  port: number;
  ssl: Encryption;
}

export const SESSION_KINDS = [
  'any',
  'read-write',
  'read-only',
  'primary',
  'standby',
  'prefer-standby',
] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

export interface ConnectPlan {
  /** In this order, until one is taken. */
  attempts: Attempt[];
  /** target_session_attrs */
  kind: SessionKind;
  /** What the server may ask for, by libpq's names (require_auth, channel_binding); null where anything will do. */
  methods: ((method: string) => boolean) | null;
  bindsChannel: 'off' | 'on' | 'required';
  /** For one attempt; undefined where none is given. */
  timeoutMs: number | undefined;
  driver: pg.ClientConfig;
}

/** @throws ConfigError for what is wrong, or is asked for and cannot be had */
export function connectPlan(url: string, env: NodeJS.ProcessEnv = process.env): ConnectPlan {
  const { hosts, user, database, more } = connectionParameters(url, env);
  for (const [name, refused] of Object.entries(REFUSED))
    if (more.has(name) && refused.test(more.get(name) ?? ''))
      throw invalidParameter(
        `${name}=${more.get(name)} is asked for, which this client cannot do.`,
        `Take ${name} away, where the connection is safe without it.`,
      );
  const attempts = hosts.flatMap((host) =>
    encryptionsOf(more, host, env).map((ssl) => ({ host: host.hostaddr ?? host.host, port: host.port, ssl })),
  );
  if (more.get('load_balance_hosts') === 'random') shuffle(attempts);
  const password = more.get('password');
  // Asked for where the server wants one, so that a file may change meanwhile.
  const passwordOf = ({ host, port }: Attempt): string => {
    const named = hosts.find((each) => (each.hostaddr ?? each.host) === host && each.port === port);
    const login = { host: named?.host ?? host, port, database, user };
    const found = passwordFromFile(login, more.get('passfile'), env);
    if (found === undefined)
      throw invalidParameter('a password is asked for, and none was given.', GIVE_PASSWORD);
    return found;
  };
  const options = more.get('options');
  const name = more.get('application_name');
  return {
    attempts,
    kind: oneOf('target_session_attrs', more, SESSION_KINDS) ?? 'any',
    methods: methodsOf(more.get('require_auth')),
    bindsChannel: BINDINGS[oneOf('channel_binding', more, ['disable', 'prefer', 'require']) ?? 'disable'],
    timeoutMs: timeoutOf(more.get('connect_timeout')),
    driver: {
      user,
      database,
      password: password ?? (passwordOf as never),
      ...(options !== undefined && { options }),
      ...(name !== undefined && { application_name: name }),
      ...(more.get('sslnegotiation') === 'direct' && { sslnegotiation: 'direct' }),
    },
  };
}

export const GIVE_PASSWORD = 'Give it in the URL, by env PGPASSWORD, in ~/.pgpass or in the service file.';

/** What makes a connection safer than it would be without, and is not here to be had. */
const REFUSED: Record<string, RegExp> = { requirepeer: /./, gssencmode: /^require$/ };

const BINDINGS = { disable: 'off', prefer: 'on', require: 'required' } as const;

function oneOf<T extends string>(
  name: string,
  parameters: ReadonlyMap<string, string>,
  values: readonly T[],
): T | undefined {
  const given = parameters.get(name);
  const found = values.find((value) => value === given);
  if (given !== undefined && found === undefined)
    throw invalidParameter(`${name} ${JSON.stringify(given)} is none of ${values.join(', ')}.`);
  return found;
}

/** `scram-sha-256,md5`, or `!password`. */
function methodsOf(given: string | undefined): ConnectPlan['methods'] {
  if (given === undefined) return null;
  const named = new Set(given.split(',').map((each) => each.trim()));
  const excluded = [...named].filter((each) => each.startsWith('!')).map((each) => each.slice(1));
  return excluded.length > 0 ? (method) => !excluded.includes(method) : (method) => named.has(method);
}

/** Seconds; none, as in libpq, where it is no positive number. */
function timeoutOf(given: string | undefined): number | undefined {
  const seconds = Number(given);
  return seconds > 0 ? Math.max(seconds, 2) * 1000 : undefined;
}

function shuffle(attempts: unknown[]): void {
  for (let at = attempts.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [attempts[at], attempts[other]] = [attempts[other], attempts[at]];
  }
}
