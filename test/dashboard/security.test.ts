import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { isAuthorized, requireCredentials } from '../../src/dashboard/access/credentials.ts';
import { FailureLimit, networkOf } from '../../src/dashboard/access/failure-limit.ts';
import { securityHeaders } from '../../src/dashboard/access/headers.ts';
import { assertProtected } from '../../src/dashboard/access/protection.ts';
import {
  CSRF_HEADER,
  checkHost,
  newCsrfToken,
  protectActions,
} from '../../src/dashboard/access/same-origin.ts';
import { newAccessToken, requireAccessToken } from '../../src/dashboard/access/token.ts';
import { silentLogger } from '../../src/observability/logger.ts';

const TOKEN = 'a-token-of-some-length';
const BASIC = { DASHBOARD_USER: 'admin', DASHBOARD_PASSWORD: 'long: enough' };
const settingsFor = async (env: Record<string, string> = {}): Promise<Settings> =>
  (
    await loadConfig({
      flags: {},
      env: { DATABASE_URL: 'postgres://u@127.0.0.1:9/d', BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'a', ...env },
      cwd: '/',
    })
  ).settings;
/** A request's environment, as the server gives it. */
const cameFrom = (remoteAddress: string): object => ({ incoming: { socket: { remoteAddress } } });
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('what protects the dashboard is not set by half', () => {
  it('lets nobody in through a proxy without credentials', async () => {
    for (const names of [
      { DASHBOARD_ALLOWED_HOSTS: 'localhost,search.example' },
      { DASHBOARD_ALLOWED_ORIGINS: 'https://search.example' },
      { DASHBOARD_TRUSTED_PROXIES: '127.0.0.1' },
    ]) {
      const settings = await settingsFor(names);
      expect(() => assertProtected(settings)).toThrow(
        expect.objectContaining({ code: 'DASHBOARD_UNPROTECTED' }) as Error,
      );
      assertProtected(await settingsFor({ ...names, ...BASIC }));
    }
    assertProtected(await settingsFor({ DASHBOARD_ALLOWED_HOSTS: 'localhost:8080,[::1]' }));
  });

  it('takes a token as credentials, and a certificate with its key only', async () => {
    assertProtected(await settingsFor({ DASHBOARD_HOST: '0.0.0.0', DASHBOARD_TOKEN: TOKEN }));
    const half = await settingsFor({ DASHBOARD_TLS_KEY: '/key.pem' });
    expect(() => assertProtected(half)).toThrow(expect.objectContaining({ code: 'DASHBOARD_TLS' }) as Error);
    await expect(settingsFor({ DASHBOARD_TOKEN: 'short' })).rejects.toThrow('dashboard.token');
  });
});

describe('credentials', () => {
  it('are right as a whole or not at all', async () => {
    const settings = await settingsFor({ ...BASIC, DASHBOARD_TOKEN: TOKEN });
    for (const right of [basic('admin:long: enough'), `bearer ${TOKEN}`])
      expect(isAuthorized(right, settings.dashboard), right).toBe(true);
    for (const wrong of [
      '',
      'Basic',
      'Basic !',
      basic('admin'),
      basic('admin:'),
      basic('admin:long'),
      basic('root:long: enough'),
      basic(`:${TOKEN}`),
      `Bearer ${TOKEN}x`,
      'Bearer long: enough',
      `Digest ${TOKEN}`,
    ])
      expect(isAuthorized(wrong, settings.dashboard), wrong).toBe(false);
    expect(isAuthorized(`Bearer ${TOKEN}`, (await settingsFor(BASIC)).dashboard)).toBe(false);
    expect(isAuthorized(basic('admin:x'), (await settingsFor({ DASHBOARD_TOKEN: TOKEN })).dashboard)).toBe(
      false,
    );
  });

  it('cannot be found by trying: after ten wrong ones none is looked at for a minute', async () => {
    let now = 0;
    const app = new Hono();
    app.use(requireCredentials(await settingsFor(BASIC), silentLogger, new FailureLimit(() => now)));
    app.get('/', (context) => context.text('in'));
    const ask = async (authorization?: string): Promise<Response> =>
      app.request('/', authorization === undefined ? {} : { headers: { authorization } });
    for (let i = 0; i < 20; i++) expect((await ask()).status).toBe(401);
    for (let i = 0; i < 10; i++) expect((await ask(basic('admin:wrong'))).status).toBe(401);
    const refused = await ask(basic('admin:long: enough'));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    now = 60_000;
    expect((await ask(basic('admin:long: enough'))).status).toBe(200);
  });

  it('remembers a bounded number of addresses, each by itself', () => {
    const limit = new FailureLimit(() => 0);
    const fail = (address: string): void => {
      for (let i = 0; i < 10; i++) limit.add(address);
    };
    fail('first');
    expect(limit.secondsLeft('first')).toBe(60);
    expect(limit.secondsLeft('other')).toBe(0);
    for (let i = 0; i < 5000; i++) limit.add(`address ${i}`);
    expect(limit.secondsLeft('first')).toBe(0);
    fail('again');
    limit.forget('again');
    expect(limit.secondsLeft('again')).toBe(0);
  });
});

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['unknown', 'unknown'],
])('tries of %s are those of %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

describe('another site in the same browser', () => {
  it('does not read the page under a name of its own on loopback', async () => {
    const app = new Hono();
    app.use(checkHost(await settingsFor()));
    app.get('/', (context) => context.text('in'));
    const ask = async (host: string): Promise<number> =>
      (await app.request('/', { headers: { host } })).status;
    for (const host of ['localhost', 'LOCALHOST:3000', 'localhost.', '127.0.0.1:8080', '[::1]:3000'])
      expect(await ask(host), host).toBe(200);
    for (const host of [
      'rebound.example',
      'localhost.example:3000',
      '192.0.2.1:3000',
      '127.0.0.1.example',
      'a@localhost',
      'localhost, rebound.example',
    ])
      expect(await ask(host), host).toBe(421);
  });

  it('nor by the name of a proxy: what its page may send counts besides Host, not in its place', async () => {
    const settings = await settingsFor({
      ...BASIC,
      DASHBOARD_ALLOWED_HOSTS: 'search.example, other.example:8443',
      DASHBOARD_ALLOWED_ORIGINS: 'https://origin.example',
      DASHBOARD_TRUSTED_PROXIES: '127.0.0.1',
    });
    const app = new Hono();
    app.use(checkHost(settings));
    app.get('/', (context) => context.text('in'));
    const ask = async (host: string, forwarded?: string, from = '127.0.0.1'): Promise<number> => {
      const headers = { host, ...(forwarded === undefined ? {} : { 'x-forwarded-host': forwarded }) };
      return (await app.request('/', { headers }, cameFrom(from))).status;
    };
    for (const host of ['search.example', 'SEARCH.example.:1', 'other.example:8443', 'origin.example'])
      expect(await ask(host), host).toBe(200);
    for (const host of ['other.example:1', 'sub.search.example', 'origin.example.evil.example'])
      expect(await ask(host), host).toBe(421);
    expect(await ask('127.0.0.1:3000', 'search.example')).toBe(200);
    expect(await ask('127.0.0.1:3000', 'search.example, localhost')).toBe(200);
    expect(await ask('127.0.0.1:3000', 'search.example, rebound.example')).toBe(421);
    expect(await ask('127.0.0.1:3000', 'rebound.example')).toBe(421);
    expect(await ask('rebound.example', 'search.example')).toBe(421);
    // Of no proxy it is not read at all.
    expect(await ask('127.0.0.1:3000', 'rebound.example', '192.0.2.7')).toBe(200);
  });

  it('presses no button', async () => {
    const token = newCsrfToken();
    const appWith = async (env: Record<string, string>): Promise<Hono> => {
      const app = new Hono();
      app.use(protectActions(await settingsFor(env), token));
      app.post('/', (context) => context.text('done'));
      return app;
    };
    const app = await appWith(BASIC);
    const press = async (headers: Record<string, string>): Promise<number> =>
      (await app.request('http://localhost:3000/', { method: 'POST', headers })).status;
    const right = { [CSRF_HEADER]: token };
    const own = { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' };
    expect(await press({ ...right, ...own })).toBe(200);
    expect(await press(right)).toBe(200);
    expect(await press(own)).toBe(403);
    expect(await press({ ...own, [CSRF_HEADER]: newCsrfToken() })).toBe(403);
    for (const foreign of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://localhost:4000' },
      { origin: 'null' },
    ])
      expect(await press({ ...right, ...foreign }), JSON.stringify(foreign)).toBe(403);
    // Written otherwise, it is the same origin.
    for (const [host, origin] of [
      ['SEARCH.example', 'https://search.example'],
      ['search.example:443', 'https://search.example'],
      ['[0:0:0:0:0:0:0:1]:80', 'http://[::1]'],
    ] as const)
      expect(await press({ ...right, host, origin }), origin).toBe(200);
    expect(await press({ ...right, host: 'search.example:80', origin: 'https://search.example' })).toBe(403);
    // Without credentials, what nobody is to have is the address with the token.
    const [open, access] = [new Hono(), newAccessToken()];
    open.use(requireAccessToken(await settingsFor(), access));
    open.route('/', await appWith({}));
    const pressOpen = async (headers: Record<string, string>): Promise<number> =>
      (await open.request('/', { method: 'POST', headers })).status;
    expect(await pressOpen(right)).toBe(401);
    expect(await pressOpen({ ...right, authorization: `Bearer ${access}` })).toBe(200);
    expect(await pressOpen({ authorization: `Bearer ${access}` })).toBe(403);
  });

  it('frames nothing, and no script runs that stands in a page', async () => {
    for (const inlineStyle of [false, true]) {
      const app = new Hono();
      app.use(securityHeaders(await settingsFor(), inlineStyle));
      app.get('/', (context) => context.text('in'));
      const { headers } = await app.request('/');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy.includes('unsafe-inline')).toBe(inlineStyle);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('same-origin');
    }
  });
});
