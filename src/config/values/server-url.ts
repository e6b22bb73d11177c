/**
 * Addresses of servers as people have them. What the drivers would take for something else is refused with the reason, and
 * nothing of the address is in it: what looks like a host may be half of a password.
 */

const DATABASE_SCHEMES = ['postgres', 'postgresql'];
const REDIS_SCHEMES = [
  'redis',
  'rediss',
  'redis+cluster',
  'rediss+cluster',
  'redis+sentinel',
  'rediss+sentinel',
];

const ENCODE =
  'cannot be read as an address: special characters of user and password must be percent-encoded (/ is %2F, ? is %3F, # is %23, @ is %40, % is %25, a blank is %20), as encodeURIComponent does it';
const ENCODE_OR_LEAVE_OUT = `${ENCODE}; or leave the password out of it: env PGPASSWORD, ~/.pgpass and a service file take it as it is`;
const BLANK = 'begins or ends with a blank or a quotation mark: take it away';

interface Parts {
  scheme: string;
  /** User and password; empty where there are none. */
  credentials: string;
  /** Hosts and ports. */
  hosts: string;
  /** Without its slash. */
  path: string;
  query: URLSearchParams;
  /** As it is written. */
  rawQuery: string;
}

/** Null where a character of the password would end the host, as the drivers read it. */
export function partsOf(url: string): Parts | null {
  const [, scheme = '', authority = '', path = '', query = ''] =
    /^([^:]*):\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url) ?? [];
  if (scheme === '') return null;
  const at = authority.lastIndexOf('@');
  // What stands before the last '@' was meant to be a password, wherever a '/', '?' or '#' in it has cut it off. Values of
  // named parameters may hold one.
  const inQuery = query.split('&').some((each) => each.split('=')[0]?.includes('@') === true);
  if (path.includes('@') || inQuery) return null;
  return {
    scheme,
    credentials: authority.slice(0, Math.max(at, 0)),
    hosts: authority.slice(at + 1),
    path,
    query: new URLSearchParams(query),
    rawQuery: query,
  };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const isHostAndPort = (text: string): boolean => /^(\[[\da-fA-F:.%]+\]|[^:[\]]*)(:\d{1,5})?$/.test(text);

/** Null where the driver takes it as it is meant: `postgres://user:password@host:port/database`, or with `?host=/directory`. */
export function databaseUrlProblem(url: string): string | null {
  if (/^[\s"']|[\s"']$/.test(url)) return BLANK;
  if (!DATABASE_SCHEMES.some((scheme) => url.startsWith(`${scheme}://`)))
    return /^\s*\w+\s*=/.test(url)
      ? 'is a list of keywords: write it as a URL, postgres://user:password@host:port/database'
      : 'must be a URL that begins with postgres:// or postgresql://';
  const parts = partsOf(url);
  if (parts === null) return ENCODE_OR_LEAVE_OUT;
  const { credentials, hosts, path } = parts;
  // Each by itself, as a list is no host.
  const isParsed = hosts
    .split(',')
    .every((each) => URL.canParse(`postgres://${each === '' ? 'host' : each}`));
  return isParsed &&
    hosts.split(',').every(isHostAndPort) &&
    isDecodable(path) &&
    credentials.split(':').every(isDecodable)
    ? null
    : ENCODE_OR_LEAVE_OUT;
}

/** Null where the queue's driver takes it as it is meant. Cluster and Sentinel URLs list several hosts. */
export function queueUrlProblem(url: string): string | null {
  if (/^[\s"']|[\s"']$/.test(url)) return BLANK;
  const scheme = url.slice(0, Math.max(url.indexOf('://'), 0));
  if (DATABASE_SCHEMES.includes(scheme)) return databaseUrlProblem(url);
  if (!REDIS_SCHEMES.includes(scheme))
    return 'must be a redis://, rediss://, redis+cluster://, redis+sentinel:// or postgres:// URL';
  const parts = partsOf(url);
  if (parts === null) return ENCODE;
  const { hosts, path, credentials } = parts;
  const isList = scheme.includes('+');
  if (!isList && hosts.includes(','))
    return 'names several hosts: of a Redis Cluster write redis+cluster://host1,host2, of Sentinels redis+sentinel://host1,host2/master';
  if (!hosts.split(',').every(isHostAndPort) || !isDecodable(credentials)) return ENCODE;
  if (scheme.endsWith('+cluster') && path !== '' && path !== '0')
    return 'names a database, of which a Redis Cluster has none: leave out what stands behind the hosts';
  if (!isList && !/^\d*$/.test(path))
    return 'must name the Redis database by its number, such as redis://host:6379/1';
  return null;
}
