import { html } from 'hono/html';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { layout } from '../../../src/dashboard/pages/layout.ts';
import { readsForwarded, routedPath, type Asked } from '../../../src/dashboard/access/forwarded.ts';

const settingsFor = async (env: Record<string, string>): Promise<Settings> =>
  (
    await loadConfig({
      flags: {},
      env: { DATABASE_URL: 'postgres://u@127.0.0.1:9/d', BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'a', ...env },
      cwd: '/',
    })
  ).settings;

describe('headers of proxies', () => {
  const read = async (
    headers: Record<string, string>,
    env: Record<string, string> = { DASHBOARD_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8, fd00::/8' },
    from = '127.0.0.1',
  ): Promise<Asked> =>
    readsForwarded(await settingsFor(env))(
      new Request('http://own.example/', { headers: { host: 'own.example', ...headers } }),
      { incoming: { socket: { remoteAddress: from } } },
    );
  const ALL = {
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-host': 'search.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-prefix': '/backfill',
  };

  it('are read of those that are named, and of nobody else', async () => {
    const believed = {
      address: '203.0.113.9',
      host: 'search.example',
      hosts: ['own.example', 'search.example'],
      scheme: 'https',
      basePath: '/backfill',
    };
    for (const from of ['127.0.0.1', '::ffff:127.0.0.1', '10.255.0.1', 'fd00::5%eth0'])
      expect(await read(ALL, undefined, from), from).toEqual(believed);
    for (const from of ['127.0.0.2', '::1', '11.0.0.1', 'fe80::1'])
      expect(await read(ALL, undefined, from), from).toEqual({
        address: from,
        host: 'own.example',
        hosts: ['own.example'],
        scheme: null,
        basePath: '',
      });
    expect((await read(ALL, {})).address).toBe('127.0.0.1');
  });

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    // What a client says stands before what the proxies say.
    ['192.0.2.1, 203.0.113.9', '203.0.113.9'],
    ['192.0.2.1, 203.0.113.9, 10.1.1.1', '203.0.113.9'],
    ['10.1.1.2, 10.1.1.1', '10.1.1.2'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:DB8::1]:4711', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    // Nobody is found behind what is no address: the proxy it is.
    ['192.0.2.1, unknown', '127.0.0.1'],
    ['203.0.113.9, _hidden, 10.1.1.1', '10.1.1.1'],
    [' , ', '127.0.0.1'],
  ])('X-Forwarded-For: %s is of %s', async (header, client) => {
    expect((await read({ 'x-forwarded-for': header })).address).toBe(client);
  });

  it.each([
    ['/backfill/', '/backfill'],
    ['/tools, /backfill', '/tools/backfill'],
    ['/b%c3%bcro "x"', '/b%C3%BCro%20%22x%22'],
    ['//evil.example', ''],
    ['/a/../b', ''],
    ['/a%2f..%2fb', ''],
    ['https://evil.example/', ''],
    ['/a?b', ''],
    ['/%', ''],
    ['backfill', ''],
  ])('X-Forwarded-Prefix: %s is %j', async (header, basePath) => {
    expect((await read({ 'x-forwarded-prefix': header })).basePath).toBe(basePath);
  });

  it('X-Forwarded-Prefix is nothing beside the option; X-Forwarded-Proto is one of two', async () => {
    const env = { DASHBOARD_TRUSTED_PROXIES: '127.0.0.1', DASHBOARD_BASE_PATH: '/other/' };
    expect(await read(ALL, env)).toMatchObject({ basePath: '/other', scheme: 'https' });
    expect((await read({ 'x-forwarded-proto': 'HTTP, https' })).scheme).toBe('http');
    expect((await read({ 'x-forwarded-proto': 'wss' })).scheme).toBeNull();
  });

  it.each([
    ['/backfill', '/backfill/search', '/search'],
    ['/backfill', '/backfill', '/'],
    ['/backfill', '/backfill/', '/'],
    ['/backfill', '/backfill/backfill/search', '/backfill/search'],
    ['/backfill', '/backfilled/search', '/backfilled/search'],
    ['/backfill', '/Backfill/search', '/Backfill/search'],
    ['/backfill', '//search', '/search'],
    ['/a/b', '/a', '/a'],
    ['/a%20b', '/a b/search', '/search'],
    ['/a%2Bb', '/a+b/search', '/search'],
    ['', '/search', '/search'],
    // Taken off already, or it would be lost twice.
    ['/search', '/search', '/search'],
    ['/queues', '/queues/queue/docs-embed', '/queues/queue/docs-embed'],
  ])('under %s, %s is %s', (basePath, path, routed) => {
    expect(routedPath(path, { basePath } as Asked)).toBe(routed);
  });

  it.each([
    '/search',
    '/queues/',
    '/queues/mine',
    '/api',
    '/assets/x',
    '/healthz',
    '//host',
    'backfill',
    '/a/./b',
  ])('dashboard.basePath is not %s', async (path) => {
    await expect(settingsFor({ DASHBOARD_BASE_PATH: path })).rejects.toThrow('dashboard.basePath');
  });
  it.each([
    { DASHBOARD_ALLOWED_HOSTS: 'https://search.example' },
    { DASHBOARD_ALLOWED_HOSTS: '*' },
    { DASHBOARD_ALLOWED_HOSTS: 'search.example/backfill' },
    { DASHBOARD_ALLOWED_ORIGINS: 'search.example' },
    { DASHBOARD_ALLOWED_ORIGINS: 'https://search.example/backfill' },
    { DASHBOARD_ALLOWED_ORIGINS: 'null' },
    { DASHBOARD_TRUSTED_PROXIES: 'nginx' },
    { DASHBOARD_TRUSTED_PROXIES: '10.0.0.0/33' },
    { DASHBOARD_TRUSTED_PROXIES: '10.0.0.0/' },
  ])('%j is refused', async (env) => {
    await expect(settingsFor(env)).rejects.toThrow(Object.keys(env)[0]);
  });
});

it.each(['/', '/search', '/actions/pause', '/queues/queue/docs-embed'])(
  'a page at %s names the others under whatever path comes before',
  async (at) => {
    const page = await layout({ title: '', heading: '', here: '/', at, live: true, body: html`` });
    const named = [...page.toString().matchAll(/(?:href|src)="([^"#]+)"/g)]
      .map(([, link = '']) => new URL(link, `https://search.example/backfill${at}`))
      .filter(({ protocol }) => protocol !== 'data:')
      .map(({ pathname }) => pathname);
    expect(named).toEqual(
      ['assets/page.css', 'assets/page.js', '', 'search', 'judge', 'queues', 'api/status'].map(
        (path) => `/backfill/${path}`,
      ),
    );
  },
);
