/** Basic and bearer credentials, compared in constant time, with a limit on wrong ones. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Settings } from '../../config/settings.ts';
import type { Logger } from '../../observability/logger.ts';
import { FailureLimit, networkOf } from './failure-limit.ts';
import { readsForwarded } from './forwarded.ts';

type Secrets = Partial<Pick<Settings['dashboard'], 'user' | 'password' | 'token'>>;

/** Digests are of one length whatever was typed, and the comparison takes as long for any of them. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
export const isSame = (given: string, wanted: string): boolean =>
  timingSafeEqual(digest(given), digest(wanted));

/** Whether an `Authorization` header holds the basic or the bearer credentials that are set. */
export function isAuthorized(header: string, secrets: Secrets): boolean {
  const [, scheme = '', value = ''] = /^(basic|bearer) +(\S+)$/i.exec(header.trim()) ?? [];
  if (scheme.toLowerCase() === 'bearer') return secrets.token !== undefined && isSame(value, secrets.token);
  const { user, password } = secrets;
  if (scheme === '' || user === undefined || password === undefined) return false;
  const given = Buffer.from(value, 'base64').toString('utf8');
  const colon = given.indexOf(':');
  const sameUser = isSame(given.slice(0, Math.max(colon, 0)), user);
  // Both are compared always: how long it took does not tell which of them was wrong.
  return isSame(given.slice(colon + 1), password) && sameUser && colon >= 0;
}

/** 401 without the credentials that are set, 429 after too many wrong ones. */
export function requireCredentials(
  settings: Settings,
  logger: Logger,
  limit = new FailureLimit(),
): MiddlewareHandler {
  const challenge =
    settings.dashboard.user === undefined ? 'Bearer' : 'Basic realm="pgvector-backfill", charset="UTF-8"';
  const asked = readsForwarded(settings);
  return async (context, next) => {
    const address = networkOf(asked(context.req.raw, context.env).address ?? 'unknown');
    const seconds = limit.secondsLeft(address);
    if (seconds > 0)
      return context.text('Too many wrong credentials; try again later.', 429, {
        'Retry-After': String(seconds),
      });
    const header = context.req.header('authorization');
    if (header !== undefined && isAuthorized(header, settings.dashboard)) {
      limit.forget(address);
      return next();
    }
    // A browser asks once without any: that is no try.
    if (header !== undefined) {
      limit.add(address);
      logger.warn({ address, path: context.req.path }, 'dashboard: wrong credentials');
    }
    return context.text('The dashboard asks for credentials.', 401, { 'WWW-Authenticate': challenge });
  };
}
