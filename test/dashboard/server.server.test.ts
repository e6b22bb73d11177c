import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { assertProtected } from '../../src/dashboard/access/protection.ts';
import { createDashboardApp, startDashboard, type DashboardInput } from '../../src/dashboard/server.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueues, prepareQueue, type OpenQueue } from '../../src/queue/connection.ts';
import { addEmbedJobs } from '../../src/queue/jobs/producer.ts';
import { makeCertificate } from '../setup/certificate.ts';
import { backends, type TestDatabase } from '../setup/databases.ts';
import { until } from '../setup/until.ts';

const CREDENTIALS = { DASHBOARD_USER: 'admin', DASHBOARD_PASSWORD: 'long enough' };
const settingsFor = async (env: Record<string, string>): Promise<Settings> =>
  (
    await loadConfig({
      flags: {},
      env: { DATABASE_URL: 'postgres://u@h/d', BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'a', ...env },
      cwd: '/',
    })
  ).settings;

describe('assertProtected', () => {
  it('keeps a page without credentials on this machine', async () => {
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1'])
      assertProtected(await settingsFor({ DASHBOARD_HOST: host }));
    for (const host of ['0.0.0.0', '::', '192.0.2.7', 'db.example', '127.0.0.1.example']) {
      const settings = await settingsFor({ DASHBOARD_HOST: host });
      expect(() => assertProtected(settings)).toThrow(
        expect.objectContaining({ code: 'DASHBOARD_UNPROTECTED' }) as Error,
      );
      assertProtected(await settingsFor({ DASHBOARD_HOST: host, ...CREDENTIALS }));
    }
  });

  it('wants user and password together', async () => {
    const settings = await settingsFor({ DASHBOARD_USER: 'admin' });
    expect(() => assertProtected(settings)).toThrow(
      expect.objectContaining({ code: 'DASHBOARD_CREDENTIALS' }) as Error,
    );
  });
});

describe.each(backends())('the dashboard on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let open: Record<'embed' | 'finalize' | 'sync', OpenQueue>;
  let input: DashboardInput;
  let app: Hono;
  let token: string | null;
  let close: () => Promise<void>;
  /** As whoever has opened the address with the token. */
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
    app.request(path, { ...init, headers: { authorization: `Bearer ${token}` } });
  beforeEach(async () => {
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
    await addEmbedJobs(open.embed.queue, randomUUID(), [{ number: 1, lower: null, upper: '7' }], 3, true);
    input = {
      pool,
      backfill: 'docs',
      settings: await settingsFor({}),
      queues: {
        embed: open.embed.queue,
        finalize: open.finalize.queue,
        sync: open.sync.queue,
      },
      logger: silentLogger,
    };
    ({ app, token, close } = createDashboardApp(input));
  });
  afterEach(async () => {
    await close();
    await Promise.all(Object.values(open).map((each) => each.close()));
    await pool.end();
    await database.drop();
  });

  it('shows state and queues, and lets nobody change them', async () => {
    const page = await ask('/');
    expect(page.status).toBe(200);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect(await page.text()).toContain('pgvector-backfill enqueue');
    expect(await (await ask('/api/status')).json()).toMatchObject({
      backfill: 'docs',
      state: 'none',
    });
    expect(await (await ask('/queues')).text()).toContain('<html');
    const queues = (await (await ask('/queues/api/queues')).json()) as {
      queues: { name: string; readOnlyMode: boolean; counts: { waiting: number } }[];
    };
    expect(queues.queues[0]).toMatchObject({
      name: 'docs-embed',
      readOnlyMode: true,
      counts: { waiting: 1 },
    });
    for (const change of ['pause', 'empty', 'clean/completed']) {
      expect((await ask(`/queues/api/queues/docs-embed/${change}`, { method: 'PUT' })).status).toBe(405);
    }
    expect(await open.embed.queue.getWaitingCount()).toBe(1);
  });

  it('shows bounds and ids of jobs, nothing else that somebody put there, and asks no other host', async () => {
    await open.embed.queue.add('job', { format: 1, note: 'planted text' } as never);
    const answer = await ask('/queues/api/queues?activeQueue=docs-embed&status=waiting&page=1');
    const shown = await answer.text();
    expect(shown).not.toContain('planted text');
    expect(shown).toContain('not a job of this version');
    const { queues } = JSON.parse(shown) as { queues: { name: string; jobs: { data: unknown }[] }[] };
    expect(queues.find(({ name }) => name === 'docs-embed')?.jobs.map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ batch: 1, lower: null, upper: '7' }),
    );
    expect(await (await ask('/queues')).text()).not.toMatch(/(?:href|src)="https?:/);
  });

  it('is not ready without its queue or its database, and says which', async () => {
    expect((await app.request('/readyz')).status).toBe(200);
    await open.embed.close();
    const unready = await app.request('/readyz');
    expect([unready.status, await unready.text()]).toEqual([503, 'the queue does not answer']);
    const gone = { query: () => Promise.reject(new Error('gone')) } as unknown as Pool;
    const both = await createDashboardApp({ ...input, pool: gone }).app.request('/readyz');
    expect(await both.text()).toBe('the database and the queue do not answer');
    expect((await app.request('/healthz')).status).toBe(200);
  });

  it('asks for credentials where they are set, but not for its health', async () => {
    const { app: guarded } = createDashboardApp({ ...input, settings: await settingsFor(CREDENTIALS) });
    for (const path of ['/', '/api/status', '/queues', '/queues/api/queues']) {
      expect((await guarded.request(path)).status).toBe(401);
      expect(
        (await guarded.request(path, { headers: { authorization: `Basic ${btoa('admin:wrong one')}` } }))
          .status,
      ).toBe(401);
      expect(
        (await guarded.request(path, { headers: { authorization: `Basic ${btoa('admin:long enough')}` } }))
          .status,
      ).toBe(200);
    }
    expect((await guarded.request('/healthz')).status).toBe(200);
    expect(await (await guarded.request('/readyz')).text()).toBe('ready');
  });

  it('says which port is taken', async () => {
    const settings = await settingsFor({ DASHBOARD_PORT: '0' });
    const first = await startDashboard({ ...input, settings });
    expect(await (await fetch(`${first.url}/healthz`)).text()).toBe('ok');
    const taken = await settingsFor({ DASHBOARD_PORT: new URL(first.url).port });
    await expect(startDashboard({ ...input, settings: taken })).rejects.toMatchObject({
      code: 'DASHBOARD_ADDRESS',
    });
    await first.close();
  });

  it('keeps nothing of a request: no watcher of any method on any route, nor one that is ended at once', async () => {
    const running = await startDashboard({
      ...input,
      settings: await settingsFor({ DASHBOARD_PORT: '0' }),
      times: { closeMs: 50 },
    });
    const { url } = running;
    const headers = { authorization: `Bearer ${running.token}` };
    const routes = [
      '/',
      '/events',
      '/metrics',
      '/api/status',
      '/search',
      '/judge',
      '/queues',
      '/assets/page.js',
    ];
    for (const route of [...routes, '/queues/api/queues', '/actions/pause', '/healthz', '/readyz', '/none'])
      for (const method of ['HEAD', 'OPTIONS', 'GET', 'POST', 'PUT', 'DELETE']) {
        const aborted = new AbortController();
        const body = method === 'HEAD' || method === 'GET' ? null : 'x'.repeat(100_000);
        const answer = await fetch(`${url}${route}`, { method, body, headers, signal: aborted.signal }).catch(
          () => null,
        );
        aborted.abort();
        expect(answer?.status ?? 413, `${method} ${route}`).toBeLessThan(500);
        if (method === 'HEAD' && routes.includes(route)) expect(answer?.status, route).toBe(200);
        if (method === 'POST' && route === '/actions/pause') expect([403, 413]).toContain(answer?.status);
      }
    // As many pages as may be open: each place is free.
    const pages = await until('every place is free', async () => {
      const opened = await Promise.all(Array.from({ length: 64 }, () => fetch(`${url}/events`, { headers })));
      if (opened.every(({ status }) => status === 200)) return opened;
      for (const { body } of opened) await body?.cancel();
      return null;
    });
    expect((await fetch(`${url}/events`, { headers })).status).toBe(503);
    // A reader that takes nothing does not hold the process.
    await running.close();
    for (const { body } of pages) await body?.cancel().catch(() => {});
  });

  it('speaks TLS where a certificate is given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dashboard-tls-'));
    const { cert, key } = makeCertificate();
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
    const settings = await settingsFor({
      DASHBOARD_PORT: '0',
      DASHBOARD_TLS_CERTIFICATE: certFile,
      DASHBOARD_TLS_KEY: keyFile,
    });
    const running = await startDashboard({ ...input, settings });
    const status = await new Promise((resolve, reject) => {
      request(`${running.url}/healthz`, { ca: cert, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await running.close();
    await rm(folder, { recursive: true });
    await expect(startDashboard({ ...input, settings })).rejects.toMatchObject({ code: 'DASHBOARD_TLS' });
  });

  it('searches nothing before there are vectors, and says so', async () => {
    const { app: guarded } = createDashboardApp({ ...input, settings: await settingsFor(CREDENTIALS) });
    const ask = async (path: string): Promise<string> =>
      (
        await guarded.request(path, { headers: { authorization: `Basic ${btoa('admin:long enough')}` } })
      ).text();
    expect(await ask('/search?q=bicycle&k=5')).toContain('has no run yet.');
    expect(await ask('/search?q=%3Cscript%3E&k=9999')).toContain('value="&lt;script&gt;"');
  });

  it('answers no search without the token: by patterns a row could be spelled out, one yes or no at a time', async () => {
    const asked: string[] = [];
    const watched = Object.create(pool) as Pool;
    watched.query = ((sql: string) => {
      asked.push(sql);
      return Promise.reject(new Error('asked'));
    }) as Pool['query'];
    const { app: unguarded } = createDashboardApp({ ...input, pool: watched });
    const page = async (q: string): Promise<string> =>
      (await unguarded.request(`/search?${new URLSearchParams({ q, k: '5' }).toString()}`)).text();
    expect(await page('a%')).toBe(await page('zzzz%'));
    expect(await page('a%')).toContain('?token=');
    expect(asked).toEqual([]);
  });

  it('opens to whoever has the address with the token, and shows it to nobody again', async () => {
    const logged: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
    const opened = createDashboardApp({ ...input, logger });
    const from = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      opened.app.request(path, { headers });
    const first = await from(`/search?q=a%20b&token=${opened.token}`);
    expect([first.status, first.headers.get('location')]).toEqual([303, './search?q=a+b']);
    const [cookie = '', ...attributes] = (first.headers.get('set-cookie') ?? '').split('; ');
    expect(attributes.toSorted()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict']);
    for (const path of ['/', '/search?q=a', '/judge', '/queues', '/api/status'])
      expect((await from(path, { cookie })).status, path).toBe(200);
    expect(await (await from('/', { cookie })).text()).toContain('name="csrf"');
    const wrong = `${opened.token?.slice(0, -1)}~`;
    for (const path of ['/', '/events', '/search', '/judge', '/queues', '/queues/api/queues', '/api/status'])
      for (const tried of [
        from(path),
        from(`${path}?token=${wrong}`),
        from(path, { cookie: cookie.replace(opened.token ?? '', wrong) }),
        from(path, { authorization: `Bearer ${wrong}` }),
      ])
        expect((await tried).status, path).toBe(401);
    // A form of another site would bring the token of its own choice: it opens nothing but a page.
    expect(
      (await opened.app.request(`/actions/pause?token=${opened.token}`, { method: 'POST' })).status,
    ).toBe(401);
    // Of another start, or with credentials set, it is nothing.
    expect((await app.request('/', { headers: { cookie } })).status).toBe(401);
    expect((await app.request(`/?token=${opened.token}`)).status).toBe(401);
    const guarded = createDashboardApp({ ...input, settings: await settingsFor(CREDENTIALS) });
    expect(guarded.token).toBe(null);
    expect((await guarded.app.request(`/?token=${opened.token}`)).status).toBe(401);
    // Prometheus has no address of each start.
    expect(await (await from('/metrics')).text()).toContain('pgvector_backfill_');
    expect(logged.join('')).not.toContain(opened.token);
    await Promise.all([opened.close(), guarded.close()]);
  });

  it('answers a page with a slash behind it as without, under a path too', async () => {
    for (const path of [
      '/queues/',
      '/search/',
      '/judge/',
      '/api/status/',
      '/metrics/',
      '/healthz/',
      '/queues//',
    ]) {
      const { status, headers } = await ask(`${path}?k=1`);
      const there = new URL(headers.get('location') ?? '', `http://localhost${path}`);
      expect([path, status, there.pathname + there.search]).toEqual([
        path,
        308,
        `${path.replace(/\/+$/, '')}?k=1`,
      ]);
      expect((await ask(there.pathname)).status, path).toBe(200);
    }
    expect((await ask('/')).status).toBe(200);
  });

  it('changes nothing for whoever has no token, and sends what it sees to all who look', async () => {
    expect((await app.request('/actions/pause', { method: 'POST' })).status).toBe(401);
    const refused = await (await app.request('/', { headers: { accept: 'text/html' } })).text();
    expect(refused).toContain('dashboard.user');
    expect(refused).not.toContain('docs');
    const readers = await Promise.all([0, 1].map(async () => (await ask('/events')).body?.getReader()));
    for (const reader of readers) {
      const first = await reader?.read();
      expect(new TextDecoder().decode(first?.value as Uint8Array | undefined)).toContain('event: snapshot');
    }
    await close();
    for (const reader of readers) for (;;) if ((await reader?.read())?.done !== false) break;
  });
});
