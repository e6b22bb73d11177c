/**
 * A dashboard on loopback that has no credentials: each start makes a token and shows its address with it, as Jupyter does.
 * Whoever was shown that address may look and act; other users of the machine, who reach loopback too, see nothing.
 */

import { randomBytes } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { isAuthorized, isSame } from './credentials.ts';
import { readsForwarded } from './forwarded.ts';
import { layout } from '../pages/layout.ts';

/** 256 bits: nobody finds it by trying, so wrong ones are not counted. */
export const newAccessToken = (): string => randomBytes(32).toString('base64url');

/** Counts and times for Prometheus, which cannot follow a token that changes; and what the page of a refusal looks like. */
const WITHOUT_TOKEN = /^\/(metrics$|assets\/)/;

/** Cookies of a host are shared by its ports: two dashboards on one machine would forget each other's token. */
const cookieName = ({ req }: Context): string => `pgvector-backfill-${new URL(req.url).port || 'web'}`;

export function requireAccessToken(settings: Settings, token: string): MiddlewareHandler {
  const asked = readsForwarded(settings);
  return async (context, next) => {
    const { req } = context;
    if (WITHOUT_TOKEN.test(req.path)) return next();
    const given = req.query('token');
    if (given !== undefined && ['GET', 'HEAD'].includes(req.method) && isSame(given, token)) {
      setCookie(context, cookieName(context), token, {
        httpOnly: true,
        sameSite: 'Strict',
        secure: settings.dashboard.tlsKey !== undefined,
        path: asked(req.raw, context.env).basePath || '/',
      });
      return context.redirect(withoutToken(req.url), 303);
    }
    const isKnown =
      isSame(getCookie(context, cookieName(context)) ?? '', token) ||
      isAuthorized(req.header('authorization') ?? '', { token });
    return isKnown ? next() : refuse(context);
  };
}

/** From where it is, as a proxy may have put a path before it: out of the address bar, the history and every `Referer`. */
function withoutToken(url: string): string {
  const { pathname, searchParams } = new URL(url);
  searchParams.delete('token');
  const query = searchParams.size === 0 ? '' : `?${searchParams.toString()}`;
  return `./${pathname.split('/').at(-1)}${query}`;
}

const WHAT_TO_DO =
  'Open the address that `pgvector-backfill dashboard` printed when it started: it ends with ?token=…, and is another one after each start.';

/** Of the backfill it says nothing, not even its name. A program is told how it is to ask. */
function refuse(context: Context): Response | Promise<Response> {
  context.header('WWW-Authenticate', 'Bearer');
  if (!(context.req.header('accept') ?? '').includes('text/html'))
    return context.text(`${WHAT_TO_DO} A program sends it as \`Authorization: Bearer …\`.`, 401);
  const [before, command, after] = WHAT_TO_DO.split('`');
  return context.html(
    layout({
      title: 'pgvector-backfill: token needed',
      heading: 'pgvector-backfill',
      here: null,
      at: context.req.path,
      live: false,
      body: html`<section class="wide" role="alert">
        <h2>This page needs the token of the dashboard</h2>
        <p>${before}<code>${command}</code>${after}</p>
        <form class="search" method="get">
          <label class="query"
            >Or type the token<input name="token" type="password" autocomplete="off" required
          /></label>
          <button>Open</button>
        </form>
        <p class="quiet">
          For a login that stays the same, set ${optionName('dashboard.user')} and
          ${optionName('dashboard.password')}, and start it again.
        </p>
      </section>`,
    }),
    401,
  );
}
