import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createDashboardApp } from '../../src/dashboard/server.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueues, type OpenQueue } from '../../src/queue/connection.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { startVerb } from '../setup/command.ts';
import { hasRedis, realDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';

const model = sampleModel();
/** Said in words within two seconds; twice as many for a machine that others are using. */
const SOON_MS = 4000;
const PASSWORD = 'long enough';
const AUTHORIZED = { authorization: `Basic ${btoa(`admin:${PASSWORD}`)}`, accept: 'text/html' };

/** Rejects the connections, or takes what is sent and never answers. */
const FAULTS = ['cut', 'hold'] as const;

describe.runIf(hasRedis())('while a server is away', () => {
  let backfill: TestBackfill;
  let servers: Record<'database' | 'queue', TestProxy>;
  let env: Record<string, string>;
  let pool: Pool;
  let open: Record<'embed' | 'finalize' | 'sync', OpenQueue>;
  let dashboard: ReturnType<typeof createDashboardApp>;
  let csrf: string;

  beforeAll(async () => {
    backfill = await openBackfill(await realDatabase(inject('redisUrl') ?? ''), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_LOG_LEVEL: 'info',
      DASHBOARD_USER: 'admin',
      DASHBOARD_PASSWORD: PASSWORD,
    });
    await createDocs(backfill.pool, 20);
    await backfill.enqueue();
    const [database, queue] = await Promise.all([
      startProxy(() => inject('postgresUrl') ?? ''),
      startProxy(() => inject('redisUrl') ?? ''),
    ]);
    servers = { database, queue };
    const { hostname, port } = new URL(database.url);
    const databaseUrl = Object.assign(new URL(backfill.env['DATABASE_URL'] ?? ''), { hostname, port }).href;
    env = { ...backfill.env, DATABASE_URL: databaseUrl, QUEUE_URL: queue.url };
    pool = createPool(databaseUrl, { name: 'test', max: 8, logger: silentLogger, queryTimeoutMs: 1500 });
    const installation = await installationId(backfill.pool);
    const address = { url: queue.url, backfill: 'docs', installation, logger: silentLogger };
    open = openQueues(address);
    const { embed, finalize, sync } = open;
    dashboard = createDashboardApp({
      pool,
      backfill: 'docs',
      settings: backfill.config.settings,
      queues: { embed: embed.queue, finalize: finalize.queue, sync: sync.queue },
      logger: silentLogger,
      times: { answerMs: 300, scrapeMs: 800, lateMs: 1500 },
    });
    const page = await (await dashboard.app.request('/', { headers: AUTHORIZED })).text();
    csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  });
  beforeEach(async () => {
    for (const server of Object.values(servers)) server.resume();
    await until('all is well', async () => {
      const { status } = await dashboard.app.request('/readyz');
      const text = await (await dashboard.app.request('/', { headers: AUTHORIZED })).text();
      return status === 200 && !text.includes('does not answer');
    });
  });
  afterAll(async () => {
    for (const server of Object.values(servers)) server.resume();
    await dashboard.close();
    await Promise.all(Object.values(open).map((each) => each.close()));
    await pool.end();
    await Promise.all(Object.values(servers).map((server) => server.close()));
    await backfill.close();
  });

  async function ask(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; text: string; location: string }> {
    const began = performance.now();
    const answer = await dashboard.app.request(path, {
      ...init,
      headers: { ...AUTHORIZED, ...(init.headers as Record<string, string> | undefined) },
    });
    const text = await answer.text();
    expect(performance.now() - began, path).toBeLessThan(SOON_MS);
    return { status: answer.status, text, location: answer.headers.get('location') ?? '' };
  }
  const press = (action: string): ReturnType<typeof ask> =>
    ask(`/actions/${action}`, {
      method: 'POST',
      body: new URLSearchParams({ csrf }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  async function firstEvents(count: number): Promise<string> {
    const began = performance.now();
    const answer = await dashboard.app.request('/events', { headers: AUTHORIZED });
    const reader = answer.body?.getReader();
    let events = '';
    for (let event = 0; event < count; event++)
      events += new TextDecoder().decode((await reader?.read())?.value as Uint8Array | undefined);
    expect(performance.now() - began).toBeLessThan(SOON_MS);
    await reader?.cancel();
    return events;
  }

  it.each(FAULTS)(
    'the queue (%s): metrics of the ledger, a page that says so, 503 of Bull Board',
    async (how) => {
      servers.queue[how]();
      for (let scrape = 0; scrape < 2; scrape++) {
        const { status, text } = await ask('/metrics');
        expect(status).toBe(200);
        expect(text).toContain('pgvector_backfill_source_up{backfill="docs",source="queue"} 0');
        expect(text).toContain('pgvector_backfill_source_up{backfill="docs",source="database"} 1');
        expect(text).toContain(
          'pgvector_backfill_run_state{backfill="docs",generation="1",state="running"} 1',
        );
        expect(text).toContain('pgvector_backfill_sync_lag_seconds{backfill="docs",generation="1"} 0');
        expect(text).not.toContain('pgvector_backfill_queue_jobs');
      }
      const words = 'The queue does not answer';
      const [page, status, board, jobs, events] = await Promise.all([
        ask('/'),
        ask('/api/status'),
        ask('/queues/queue/docs-embed'),
        ask('/queues/api/queues', { headers: { accept: 'application/json' } }),
        firstEvents(1),
      ]);
      expect([page.status, page.text]).toEqual([200, expect.stringContaining(words)]);
      expect(JSON.parse(status.text)).toMatchObject({
        state: 'running',
        queue: expect.stringContaining(words) as string,
        etaSeconds: null,
      });
      expect([board.status, board.text]).toEqual([503, expect.stringContaining(words)]);
      expect(board.text).toContain('href="../../search"');
      expect([jobs.status, JSON.parse(jobs.text)]).toEqual([
        503,
        { error: expect.stringContaining(words) as string },
      ]);
      expect(events).toContain(words);
      // What a button would do by half is not begun; a pause needs the ledger alone.
      const pressed = await press('resume');
      expect(pressed.status).toBe(303);
      expect((await ask(pressed.location)).text).toContain('Nothing was done. The queue does not answer');
      const told = startVerb('status', [], env);
      await told.waitFor(/^queue +The queue does not answer \(.+\)\. Workers wait/);
      expect((await told.ended).code).toBe(0);
    },
  );

  it.each(FAULTS)('PostgreSQL (%s): what the queue knows, and words for the rest', async (how) => {
    servers.database[how]();
    for (let scrape = 0; scrape < 2; scrape++) {
      const { status, text } = await ask('/metrics');
      expect(status).toBe(200);
      expect(text).toContain('pgvector_backfill_source_up{backfill="docs",source="queue"} 1');
      expect(text).toContain('pgvector_backfill_source_up{backfill="docs",source="database"} 0');
      expect(text).toContain(
        'pgvector_backfill_queue_jobs{backfill="docs",generation="1",queue="embed",state="waiting"}',
      );
      expect(text).not.toContain('pgvector_backfill_run_state');
    }
    const words = 'PostgreSQL does not answer';
    const [pages, status, pause, events, board] = await Promise.all([
      Promise.all(['/', '/judge', '/search?q=bread'].map((path) => ask(path))),
      ask('/api/status', { headers: { accept: 'application/json' } }),
      press('pause'),
      firstEvents(1),
      ask('/queues'),
    ]);
    for (const { text } of pages) expect(text).toMatch(new RegExp(`${words}|Cannot connect to PostgreSQL`));
    for (const answer of [status, pause])
      expect(answer).toMatchObject({ status: 503, text: expect.stringContaining(words) as string });
    expect(events).toContain('event: trouble');
    expect(board.status).toBe(200);
    const began = performance.now();
    const told = startVerb('status', [], env);
    await told.waitFor(/has not answered for 1 s|Cannot connect to PostgreSQL/);
    expect(performance.now() - began).toBeLessThan(SOON_MS);
    servers.database.resume();
    await told.ended;
  });
});
