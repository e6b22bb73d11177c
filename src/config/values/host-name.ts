/** Host names and origins as browsers write them: of the `Host` and `Origin` headers, and of the options that allow them. */

import { isIPv6 } from 'node:net';

export interface HostName {
  /** Lower case, without a dot at the end; an IPv6 address in brackets, in its short form. */
  name: string;
  /** Null where none is given. */
  port: string | null;
}

/** `Search.Example.:8443` → `search.example`, `8443`. Null for what is none, a scheme or a path included. */
export function parseHost(text: string): HostName | null {
  const given = text.trim();
  const [, host, port] =
    /^(\[[\da-f:.]+\]|[^\s:/@?#\\%,*[\]]+)(?::(\d{1,5}))?$/i.exec(isIPv6(given) ? `[${given}]` : given) ?? [];
  if (host === undefined || !URL.canParse(`http://${host}`)) return null;
  return { name: new URL(`http://${host}`).hostname.replace(/\.$/, ''), port: port ?? null };
}

/** `https://Search.Example:443` → `https://search.example`. Null for what is more or less than an origin of the web. */
export function parseOrigin(text: string): URL | null {
  if (!/^https?:\/\/[^/?#\\@]+\/?$/i.test(text.trim()) || !URL.canParse(text)) return null;
  return new URL(new URL(text).origin);
}

/** Ports that stand for a scheme may be left out. */
const DEFAULT_PORTS = ['80', '443'];

/** Without a port, `allowed` is any of that name. */
export const isHost = (allowed: HostName, { name, port }: HostName): boolean =>
  allowed.name === name &&
  (allowed.port === null || allowed.port === port || (port === null && DEFAULT_PORTS.includes(allowed.port)));
