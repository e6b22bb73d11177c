/** Security headers: everything is served from here, and no script stands in a page. */

import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { Settings } from '../../config/settings.ts';
import { isLoopback } from './protection.ts';

const HALF_A_YEAR = 'max-age=15552000';

/** `inlineStyle`: Bull Board's page brings a style of its own; a font that it asks for elsewhere it does without. */
export function securityHeaders(settings: Settings, inlineStyle: boolean): MiddlewareHandler {
  // Where a proxy does TLS, this is its to say; and on localhost it would hold for whatever else is served there.
  const lasting = settings.dashboard.tlsKey !== undefined && !isLoopback(settings.dashboard.host);
  return secureHeaders({
    strictTransportSecurity: lasting ? HALF_A_YEAR : false,
    xFrameOptions: 'DENY',
    // Under `no-referrer` a browser sends `Origin: null` with a form, which is what another site's would look like.
    referrerPolicy: 'same-origin',
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: inlineStyle ? ["'self'", "'unsafe-inline'"] : ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      fontSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: inlineStyle ? ["'self'"] : ["'none'"],
      frameAncestors: ["'none'"],
    },
  });
}

/** A page may hold texts of rows: no browser keeps it on its disk, and no proxy. Files that are the same for all say so themselves. */
export const keepNothing: MiddlewareHandler = async (context, next) => {
  await next();
  const type = context.res.headers.get('content-type') ?? '';
  if (!context.res.headers.has('cache-control') && /^(text\/(html|plain)|application\/json)/.test(type))
    context.res.headers.set('Cache-Control', 'no-store');
};

/** A HEAD is routed as a GET whose body nobody reads: what makes it is told so, or a stream would go on for ever. */
export const nothingForHead: MiddlewareHandler = async (context, next) => {
  await next();
  if (context.req.method === 'HEAD') await context.res.body?.cancel();
};
