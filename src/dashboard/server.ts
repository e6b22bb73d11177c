/** Bull Board at /queues, the progress page at /, health at /healthz and /readyz. Read-only. */

import { createRequire } from 'node:module';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { progressSnapshot } from '../ledger/progress.ts';
import type { Logger } from '../observability/logger.ts';
import type { JobQueue } from '../queue/connection.ts';
import { assets } from './assets.ts';
import { requireCredentials } from './credentials.ts';
import { securityHeaders } from './headers.ts';
import { progressPage } from './page.ts';
import { assertProtected, readTls } from './protection.ts';
import { checkHost } from './same-origin.ts';

export interface DashboardInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  queues: JobQueue[];
  logger: Logger;
}

export interface Dashboard {
  url: string;
  close(): Promise<void>;
}

export function createDashboardApp({ pool, backfill, settings, queues, logger }: DashboardInput): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    logger.error({ err: messageOf(error), path: context.req.path }, 'dashboard request');
    return context.json({ error: 'The request failed; see the log of the dashboard.' }, 500);
  });
  const headers = { own: securityHeaders(settings, false), board: securityHeaders(settings, true) };
  app.use((context, next) =>
    (context.req.path.startsWith('/queues') ? headers.board : headers.own)(context, next),
  );
  app.use(checkHost(settings));
  // Probes of an orchestrator carry no credentials, and are told nothing but yes or no.
  app.get('/healthz', (context) => context.text('ok'));
  app.get('/readyz', async (context) => {
    const ready = await pool.query('SELECT 1').then(
      () => true,
      () => false,
    );
    return ready ? context.text('ready') : context.text('the database does not answer', 503);
  });
  app.use(requireCredentials(settings, logger));
  app.route('/assets', assets());
  app.get('/', async (context) => context.html(progressPage(await progressSnapshot(pool, backfill))));
  app.get('/api/status', async (context) => context.json(await progressSnapshot(pool, backfill)));
  const board = new HonoAdapter(serveStatic);
  board.setBasePath('/queues');
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: board,
    // The package is looked up from here: under a hoisted install its own guess is another folder.
    options: { uiBasePath: uiFolder(), uiConfig: { boardTitle: 'pgvector-backfill' } },
  });
  app.route('/queues', board.registerPlugin());
  return app;
}

function uiFolder(): string {
  return createRequire(import.meta.url)
    .resolve('@bull-board/ui/package.json')
    .replace(/\/package\.json$/, '');
}

export async function startDashboard(input: DashboardInput): Promise<Dashboard> {
  assertProtected(input.settings);
  const { dashboardHost: hostname, dashboardPort: port } = input.settings;
  const tls = readTls(input.settings);
  const app = createDashboardApp(input);
  return new Promise((resolve, reject) => {
    const secure = tls === null ? {} : { createServer: createHttpsServer, serverOptions: tls };
    const server = serve({ fetch: app.fetch, hostname, port, ...secure }, (address: AddressInfo) => {
      const host = hostname.includes(':') ? `[${hostname.replaceAll(/[[\]]/g, '')}]` : hostname;
      resolve({
        url: `${tls === null ? 'http' : 'https'}://${host}:${address.port}`,
        close: () => new Promise<void>((done) => void server.close(() => done())),
      });
    });
    server.on('error', (error: Error) => {
      reject(
        new ConfigError(`The dashboard cannot listen on ${hostname}:${port}: ${messageOf(error)}.`, {
          code: 'DASHBOARD_ADDRESS',
          remedy: 'Choose another --port (env DASHBOARD_PORT) or --host (env DASHBOARD_HOST).',
          cause: error,
        }),
      );
    });
  });
}
