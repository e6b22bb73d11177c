/** The dashboard behind nginx: by the example of docs/security.md, and by what others write in its place. */

import { randomUUID } from 'node:crypto';
import { request, type RequestOptions } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { startDashboard, type Dashboard } from '../../src/dashboard/server.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueues, prepareQueue, type OpenQueue } from '../../src/queue/connection.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { nginxExample, replaced, type NginxExample } from '../setup/nginx-example.ts';
import { freePort, hasNginx, startNginx, type Nginx } from '../setup/nginx.ts';

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}
type Ask = Omit<RequestOptions, 'headers'> & { headers?: Record<string, string>; body?: string };

const OWN_LINKS = /(?:href|src|action)="([^"#][^"]*)"/g;

describe.skipIf(!hasNginx()).each(databases())('behind nginx, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let open: Record<'embed' | 'finalize' | 'sync', OpenQueue>;
  let example: NginxExample;
  const ending: (() => Promise<unknown>)[] = [];

  /** A dashboard of these settings behind the example's nginx, as `change` makes it of the example. */
  async function serve(
    settings: Record<string, string> = {},
    change: (server: string) => string = (server) => server,
  ): Promise<{ ask: (path: string, how?: Ask) => Promise<Answer>; dashboard: Dashboard; host: string }> {
    const env = {
      DATABASE_URL: database.databaseUrl,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'a',
      ...example.env,
      ...settings,
    };
    const config = await loadConfig({ flags: {}, env, cwd: '/' });
    const { embed, finalize, sync } = open;
    const dashboard = await startDashboard({
      pool,
      backfill: 'docs',
      settings: config.settings,
      queues: { embed: embed.queue, finalize: finalize.queue, sync: sync.queue },
      logger: silentLogger,
    });
    ending.push(() => dashboard.close());
    const port = await freePort();
    const upstream = Number(new URL(dashboard.url).port);
    const nginx: Nginx = await startNginx(change(example.server(port, upstream)), [port], example.files);
    ending.push(() => nginx.close());
    const host = `${example.host}:${port}`;
    const ask = (path: string, { headers = {}, body, ...how }: Ask = {}): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const asked = request(
          {
            host: '127.0.0.1',
            port,
            path,
            servername: example.host,
            ca: example.files['cert.pem'],
            checkServerIdentity: () => undefined,
            agent: false,
            ...how,
            headers: { host, authorization: RIGHT, ...headers },
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            const done = (): void =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
            response.on('data', (chunk: string) => {
              text += chunk;
              // An event stream has no end of its own.
              if (!text.startsWith('event: ') || !text.includes('\n\n')) return;
              done();
              asked.destroy();
            });
            response.on('end', done);
          },
        );
        asked.on('error', reject);
        asked.end(body);
      });
    return { ask, dashboard, host };
  }

  const RIGHT = `Basic ${btoa('admin:long enough')}`;
  /** As a browser sends the form of a page. */
  const form = (host: string, csrf: string): Ask => ({
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: `https://${host}`,
      'sec-fetch-site': 'same-origin',
    },
    body: `csrf=${csrf}`,
  });
  const csrfOf = (page: string): string => /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';

  beforeAll(async () => {
    example = await nginxExample();
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
    await prepareQueue(database.queueUrl);
    const address = {
      url: database.queueUrl,
      backfill: 'docs',
      installation: randomUUID(),
      logger: silentLogger,
    };
    open = openQueues(address);
  });
  afterAll(async () => {
    for (const end of ending.toReversed()) await end();
    await Promise.all(Object.values(open).map((each) => each.close()));
    await pool.end();
    await database.drop();
  });

  const stripped = (server: string): string =>
    server.replace(/(proxy_pass \S+);/, '$1/;\nproxy_http_version 1.1;');
  const byHeader = (server: string): string =>
    replaced(
      stripped(server),
      'location /backfill/ {',
      'location /backfill/ {\nproxy_set_header X-Forwarded-Prefix /backfill;',
    );

  it.each([
    ['as the page has it', {}, (server: string) => server],
    ['with the path taken off', {}, stripped],
    ['with the path in a header', { DASHBOARD_BASE_PATH: '' }, byHeader],
  ])('everything is under the path, %s', async (_how, settings, change) => {
    const { ask, host } = await serve(settings, change);
    const page = await ask('/backfill/');
    expect(page.status).toBe(200);
    // What the page names is there, from where the page is.
    const links = [...page.body.matchAll(OWN_LINKS)].map(([, href = '']) => href);
    expect(links.filter((href) => href.startsWith('/'))).toEqual([]);
    const names = links.filter((href) => !href.startsWith('data:') && !href.startsWith('actions/'));
    expect(names.length).toBeGreaterThan(6);
    await Promise.all(
      [...names, 'metrics', 'healthz', 'readyz', 'search?q=a', 'queues/api/queues'].map(async (href) => {
        const { pathname, search } = new URL(href, `https://${host}/backfill/`);
        expect({ href, status: (await ask(pathname + search)).status }).toEqual({ href, status: 200 });
      }),
    );
    expect((await ask('/backfill/events')).body).toMatch(/^event: snapshot\ndata: "/);
    // Bull Board's page, with what it loads, links and asks for.
    const board = (await ask('/backfill/queues')).body;
    expect(board).toContain('<base href="/backfill/queues/"');
    const [script = ''] = /static\/js\/main[^"]*/.exec(board) ?? [];
    expect((await ask(`/backfill/queues/${script}`)).headers['content-type']).toContain('javascript');
    // A button, and back to the page.
    const pressed = await ask('/backfill/actions/pause', form(host, csrfOf(page.body)));
    expect(pressed.status).toBe(303);
    const back = new URL(String(pressed.headers['location']), `https://${host}/backfill/actions/pause`);
    expect(back.pathname).toBe('/backfill/');
    expect((await ask(back.pathname + back.search)).body).toContain('There is no run yet');
    expect((await ask('/search')).status).toBe(404);
  });

  it('leads to the path with its slash, whoever forgets it', async () => {
    const { dashboard, ask } = await serve();
    expect((await ask('/backfill')).headers['location']).toMatch(/\/backfill\/$/);
    expect(new URL(dashboard.url).pathname).toBe('/backfill');
    const direct = await fetch(dashboard.url, { redirect: 'manual', headers: { authorization: RIGHT } });
    expect([direct.status, direct.headers.get('location')]).toEqual([308, './backfill/']);
  });

  it('a path is known however it is written', async () => {
    const { ask } = await serve({ DASHBOARD_BASE_PATH: '/tools/back fill/' }, (server) =>
      replaced(server, '/backfill/', '"/tools/back fill/"'),
    );
    for (const path of ['/tools/back%20fill/', '/%74ools/back%20fill/search'])
      expect((await ask(path)).status, path).toBe(200);
    expect((await ask('/tools/back%20fill/tools/back%20fill/')).status).toBe(404);
    expect((await ask('/tools/back%20fill/queues')).body).toContain(
      '<base href="/tools/back%20fill/queues/"',
    );
  });

  it('presses no button for another site, and says what is missing where the proxy keeps the name to itself', async () => {
    const own = await serve();
    const csrf = csrfOf((await own.ask('/backfill/')).body);
    const press = async (asked: typeof own, how: Ask): Promise<number> =>
      (await asked.ask('/backfill/actions/pause', how)).status;
    expect(await press(own, form(own.host, csrf))).toBe(303);
    for (const host of ['evil.example', example.host, `${example.host}:1`])
      expect(await press(own, form(host, csrf)), host).toBe(403);
    // The page came by TLS, and what came without it is another site's.
    const plain = form(own.host, csrf);
    expect(await press(own, { ...plain, headers: { ...plain.headers, origin: `http://${own.host}` } })).toBe(
      403,
    );
    // Nobody names himself.
    const named = form('evil.example', csrf);
    expect(
      await press(own, { ...named, headers: { ...named.headers, 'x-forwarded-host': 'evil.example' } }),
    ).not.toBe(303);

    const silent = (server: string): string => replaced(server, 'proxy_set_header Host $http_host;', '');
    const nameless = await serve({}, silent);
    const token = csrfOf((await nameless.ask('/backfill/')).body);
    const refused = await nameless.ask('/backfill/actions/pause', form(nameless.host, token));
    expect(refused.status).toBe(403);
    expect(refused.body).toContain('dashboard.allowedOrigins');
    const port = await freePort();
    const allowed = await serve({ DASHBOARD_ALLOWED_ORIGINS: `https://search.example.org:${port}` }, silent);
    const page = await allowed.ask('/backfill/');
    expect(await press(allowed, form(`${example.host}:${port}`, csrfOf(page.body)))).toBe(303);
    expect(await press(allowed, form(`${example.host}:1`, csrfOf(page.body)))).toBe(403);
  });

  it('answers by the names that are allowed, and its probes by any', async () => {
    const { ask } = await serve({}, (server) =>
      replaced(server, 'server_name search.example.org', 'server_name _'),
    );
    const status = async (host: string, path = '/backfill/'): Promise<number> =>
      (await ask(path, { headers: { host } })).status;
    for (const host of ['SEARCH.example.org', 'search.example.org.', 'localhost:1', '[::1]:8443'])
      expect(await status(host), host).toBe(200);
    for (const host of ['rebound.example', 'search.example.org.evil.example', '192.0.2.1']) {
      expect(await status(host), host).toBe(421);
      for (const probe of ['/backfill/healthz', '/backfill/readyz'])
        expect(await status(host, probe), host).toBe(200);
    }
  });

  it('counts wrong credentials by the client, not by the proxy nor by what a client says', async () => {
    const wrong = { authorization: `Basic ${btoa('admin:wrong one')}` };
    const guess = async (asked: Awaited<ReturnType<typeof serve>>, from: string): Promise<number> => {
      for (let n = 0; n < 10; n++)
        await asked.ask('/backfill/', {
          localAddress: from,
          headers: { ...wrong, 'x-forwarded-for': `192.0.2.${n}` },
        });
      return (await asked.ask('/backfill/', { localAddress: from })).status;
    };
    for (const change of [
      (server: string) => server,
      // What the client says stands before what nginx says.
      (server: string) => replaced(server, 'For $remote_addr', 'For $proxy_add_x_forwarded_for'),
    ]) {
      const asked = await serve({}, change);
      expect(await guess(asked, '127.0.0.2')).toBe(429);
      expect((await asked.ask('/backfill/', { localAddress: '127.0.0.3' })).status).toBe(200);
      // Straight from a machine that is no proxy, the header is anybody's.
      const untrusted = await serve({ DASHBOARD_TRUSTED_PROXIES: '192.0.2.0/24' }, change);
      expect(await guess(untrusted, '127.0.0.2')).toBe(429);
      expect((await untrusted.ask('/backfill/', { localAddress: '127.0.0.3' })).status).toBe(429);
    }
  });
});
