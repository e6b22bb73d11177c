import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { assertProtected } from '../../src/dashboard/protection.ts';
import { createDashboardApp, startDashboard, type DashboardInput } from '../../src/dashboard/server.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueue, prepareQueue, type OpenQueue } from '../../src/queue/connection.ts';
import { addEmbedJobs } from '../../src/queue/producer.ts';
import { backends, type TestDatabase } from '../setup/databases.ts';

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
  let open: OpenQueue;
  let input: DashboardInput;
  let app: Hono;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await migrate(pool);
    await prepareQueue(database.queueUrl);
    open = openQueue(
      { url: database.queueUrl, backfill: 'docs', installation: randomUUID(), logger: silentLogger },
      'embed',
    );
    await addEmbedJobs(open.queue, randomUUID(), [{ number: 1, lower: null, upper: '7' }], 3, true);
    input = {
      pool,
      backfill: 'docs',
      settings: await settingsFor({}),
      queues: [open.queue],
      logger: silentLogger,
    };
    app = createDashboardApp(input);
  });
  afterEach(async () => {
    await open.close();
    await pool.end();
    await database.drop();
  });

  it('shows state and queues, and lets nobody change them', async () => {
    const page = await app.request('/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect(await page.text()).toContain('npm run enqueue');
    expect(await (await app.request('/api/status')).json()).toMatchObject({
      backfill: 'docs',
      state: 'none',
    });
    expect(await (await app.request('/queues')).text()).toContain('<html');
    const queues = (await (await app.request('/queues/api/queues')).json()) as {
      queues: { name: string; readOnlyMode: boolean; counts: { waiting: number } }[];
    };
    expect(queues.queues).toMatchObject([{ name: 'docs-embed', readOnlyMode: true, counts: { waiting: 1 } }]);
    for (const change of ['pause', 'empty', 'clean/completed']) {
      expect(
        (await app.request(`/queues/api/queues/docs-embed/${change}`, { method: 'PUT' })).status,
      ).toBeGreaterThanOrEqual(400);
    }
    expect(await open.queue.getWaitingCount()).toBe(1);
  });

  it('asks for credentials where they are set, but not for its health', async () => {
    const guarded = createDashboardApp({ ...input, settings: await settingsFor(CREDENTIALS) });
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
});
