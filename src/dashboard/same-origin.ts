/** What keeps other sites, open in the same browser, from reading the dashboard or pressing its buttons. */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Settings } from '../config/settings.ts';
import { hasCredentials, isLoopback } from './protection.ts';

export const CSRF_FIELD = 'csrf';
export const CSRF_HEADER = 'x-csrf-token';

/** `[::1]:3000` → `[::1]`; the port is not checked, as a tunnel may bring another. */
const hostOf = (header: string): string => header.replace(/:\d+$/, '');

/**
 * On loopback, only its own names: a site that lets its name point to 127.0.0.1 (DNS rebinding) would otherwise read
 * the page as its own. An address that others reach has credentials, which a browser does not give to another name.
 */
export function checkHost({ dashboardHost }: Settings): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header('host') ?? new URL(context.req.url).host;
    if (!isLoopback(dashboardHost) || isLoopback(hostOf(host))) return next();
    return context.text('This host name is not served here.', 421);
  };
}

/** Token of this process, part of each page: who can read it could read the page, and so has the credentials. */
export const newCsrfToken = (): string => randomBytes(32).toString('base64url');

function isToken(given: unknown, token: string): boolean {
  if (typeof given !== 'string') return false;
  const [left, right] = [Buffer.from(given), Buffer.from(token)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Lets through what the dashboard's own pages send, and that only where credentials are set. */
export function protectActions(settings: Settings, token: string): MiddlewareHandler {
  return async (context, next) => {
    if (!hasCredentials(settings))
      return context.text(
        'Actions need credentials: set dashboard.user and dashboard.password, or dashboard.token.',
        403,
      );
    const site = context.req.header('sec-fetch-site');
    const origin = context.req.header('origin');
    const host = context.req.header('host') ?? new URL(context.req.url).host;
    const foreign =
      (site !== undefined && site !== 'same-origin') ||
      (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host));
    if (foreign) return context.text('The request comes from another site.', 403);
    const given = context.req.header(CSRF_HEADER) ?? (await context.req.parseBody())[CSRF_FIELD];
    if (!isToken(given, token))
      return context.text('The page is from before a restart of the dashboard: load it again.', 403);
    return next();
  };
}
