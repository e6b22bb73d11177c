/** How the browser asked: by its own request, or as proxies that are named say. Of anybody else such headers are not read. */

import { isOwnPath, parseBasePath, withoutBasePath } from '../../config/values/base-path.ts';
import { plainAddress, withinNetworks } from '../../config/values/network.ts';
import type { Settings } from '../../config/settings.ts';

export interface Asked {
  /** Address of the client; null without a socket, as in a test. */
  address: string | null;
  /** `Host` as the browser has it in its address bar. */
  host: string;
  /** All names that were asked for on the way: that of this request, and those that proxies were asked by. */
  hosts: string[];
  /** Null where no proxy says it: one that does TLS need not. */
  scheme: string | null;
  /** Path that stands before all of the dashboard's; empty where there is none. */
  basePath: string;
}

/** What a request is read of: `env` is the server's, with the socket. */
type ReadAsked = (request: Request, env: unknown) => Asked;

export function readsForwarded({
  dashboard,
}: {
  dashboard: Pick<Settings['dashboard'], 'trustedProxies' | 'basePath'>;
}): ReadAsked {
  const isTrusted = withinNetworks(dashboard.trustedProxies);
  const configured = dashboard.basePath;
  return ({ headers, url }, env) => {
    const remote = remoteAddress(env);
    const own = headers.get('host') ?? new URL(url).host;
    const listed = (name: string): string[] =>
      remote !== null && isTrusted(remote) ? list(headers.get(name)) : [];
    const before = listed('x-forwarded-host');
    const scheme = listed('x-forwarded-proto')[0]?.toLowerCase();
    return {
      address: remote === null ? null : clientOf(remote, listed('x-forwarded-for'), isTrusted),
      host: before[0] ?? own,
      hosts: [own, ...before],
      scheme: scheme === 'http' || scheme === 'https' ? scheme : null,
      basePath:
        configured === undefined ? joined(listed('x-forwarded-prefix')) : (parseBasePath(configured) ?? ''),
    };
  };
}

/** Path by which a request is routed: without the base path, where the proxy has left it on, and with one slash before. */
export function routedPath(path: string, { basePath }: Asked): string {
  // `location /tools { proxy_pass http://…/; }` makes two of one.
  const plain = path.replace(/^\/{2,}/, '/');
  return isOwnPath(basePath) ? plain : withoutBasePath(plain, basePath);
}

const list = (header: string | null): string[] =>
  (header ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

/** One prefix for each proxy that took one off, the outermost first. One that is none is no path for a page. */
function joined(prefixes: readonly string[]): string {
  const paths = prefixes.map(parseBasePath);
  return paths.includes(null) ? '' : paths.join('');
}

function remoteAddress(env: unknown): string | null {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return plainAddress(incoming?.socket?.remoteAddress ?? '');
}

/** From the nearest on: each hop is told by the one behind it, and the first that is no proxy of ours may have written the rest. */
function clientOf(
  remote: string,
  forwarded: readonly string[],
  isTrusted: (address: string) => boolean,
): string {
  let client = remote;
  for (const hop of forwarded.toReversed()) {
    if (!isTrusted(client)) break;
    const address = plainAddress(hop);
    if (address === null) break;
    client = address;
  }
  return client;
}
