/** What keeps other sites, open in the same browser, from reading the dashboard or pressing its buttons. */

import { randomBytes } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { isHost, parseHost, parseOrigin, type HostName } from '../../config/values/host-name.ts';
import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { isSame } from './credentials.ts';
import { readsForwarded, type Asked } from './forwarded.ts';
import { isLoopback } from './protection.ts';

export const CSRF_FIELD = 'csrf';
export const CSRF_HEADER = 'x-csrf-token';

/**
 * On loopback, only its own names and those that are allowed: a site that lets its name point to 127.0.0.1 (DNS
 * rebinding) would otherwise read the page as its own. Its page may send any header but `Host`, so what a proxy says it was
 * asked by counts besides it, not in its place. An address that others reach has credentials, which a browser does not
 * give to another name.
 */
export function checkHost(settings: Settings): MiddlewareHandler {
  const asked = readsForwarded(settings);
  const named = [
    ...settings.dashboard.allowedHosts.map(parseHost),
    ...settings.dashboard.allowedOrigins.map((each) => parseHost(parseOrigin(each)?.host ?? '')),
  ].filter((each) => each !== null);
  // The port of loopback's own is free, as a tunnel may bring another.
  const isServed = (host: HostName | null): boolean =>
    host !== null && (isLoopback(host.name) || named.some((each) => isHost(each, host)));
  return async (context, next) => {
    if (!isLoopback(settings.dashboard.host)) return next();
    if (asked(context.req.raw, context.env).hosts.every((each) => isServed(parseHost(each)))) return next();
    return context.text(
      `This host name is not served here. Where a proxy hands it on, name it in ${optionName('dashboard.allowedHosts')}.`,
      421,
    );
  };
}

/** Whether the page that sends is one of the dashboard's, by where the browser has it from. */
function isOwnOrigin(text: string, { host, scheme }: Asked, allowed: ReadonlySet<string>): boolean {
  const origin = parseOrigin(text);
  if (origin === null) return false;
  if (allowed.has(origin.origin)) return true;
  const { protocol } = origin;
  if (scheme !== null && protocol !== `${scheme}:`) return false;
  // Written as the browser writes its own: lower case, without the port that goes without saying.
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === origin.host;
}

/** Token of this process, part of each page: who can read it could read the page, and so has the credentials. */
export const newCsrfToken = (): string => randomBytes(32).toString('base64url');

/** Lets through what the dashboard's own pages send. */
export function protectActions(settings: Settings, token: string): MiddlewareHandler {
  const asked = readsForwarded(settings);
  const allowed = new Set(settings.dashboard.allowedOrigins.map((each) => parseOrigin(each)?.origin ?? ''));
  return async (context, next) => {
    const site = context.req.header('sec-fetch-site');
    const origin = context.req.header('origin');
    const request = asked(context.req.raw, context.env);
    if (site !== undefined && site !== 'same-origin')
      return context.text('The request comes from another site.', 403);
    if (origin !== undefined && !isOwnOrigin(origin, request, allowed))
      return context.text(
        `The request comes from another site: from ${origin}, but the dashboard was asked as ${request.host}. Where a proxy is in between, let it hand on Host, or set ${optionName('dashboard.allowedOrigins')}.`,
        403,
      );
    const given = context.req.header(CSRF_HEADER) ?? (await context.req.parseBody())[CSRF_FIELD];
    if (typeof given !== 'string' || !isSame(given, token))
      return context.text('The page is from before a restart of the dashboard: load it again.', 403);
    return next();
  };
}
