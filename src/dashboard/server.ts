/** Bull Board at /queues, the progress page at /, health at /healthz and /readyz. Read-only. */

import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { progressSnapshot } from '../ledger/progress.ts';
import type { Logger } from '../observability/logger.ts';
import type { JobQueue } from '../queue/connection.ts';
import { progressPage } from './page.ts';

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

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|\[::1\])$/;

/** @throws ConfigError where others could reach the page without credentials. */
export function assertProtected(settings: Settings): void {
  const { dashboardHost: host, dashboardUser: user, dashboardPassword: password } = settings;
  if ((user === undefined) !== (password === undefined)) {
    throw new ConfigError('The dashboard needs both a user and a password, or neither.', {
      code: 'DASHBOARD_CREDENTIALS',
      remedy: 'Set dashboard.user (env DASHBOARD_USER) and dashboard.password (env DASHBOARD_PASSWORD).',
    });
  }
  if (LOOPBACK.test(host) || user !== undefined) return;
  throw new ConfigError(`The dashboard does not listen on ${host} without credentials.`, {
    code: 'DASHBOARD_UNPROTECTED',
    remedy:
      'Set dashboard.user (env DASHBOARD_USER) and dashboard.password (env DASHBOARD_PASSWORD), or keep dashboard.host (--host, env DASHBOARD_HOST) at 127.0.0.1.',
  });
}

export function createDashboardApp({ pool, backfill, settings, queues, logger }: DashboardInput): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    // A refusal of the credentials check brings its own answer.
    if (error instanceof HTTPException) return error.getResponse();
    logger.error({ err: messageOf(error), path: context.req.path }, 'dashboard request');
    return context.json({ error: 'The request failed; see the log of the dashboard.' }, 500);
  });
  app.use(
    secureHeaders({
      // Whether there is TLS in front is the proxy's to say.
      strictTransportSecurity: false,
      // Everything is served from here: a page of Bull Board that asks for a font elsewhere does without it.
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'", "'unsafe-inline'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        frameAncestors: ["'none'"],
      },
    }),
  );
  // Probes of an orchestrator carry no credentials, and are told nothing but yes or no.
  app.get('/healthz', (context) => context.text('ok'));
  app.get('/readyz', async (context) => {
    const ready = await pool.query('SELECT 1').then(
      () => true,
      () => false,
    );
    return ready ? context.text('ready') : context.text('the database does not answer', 503);
  });
  const { dashboardUser: username, dashboardPassword: password } = settings;
  if (username !== undefined && password !== undefined) app.use(basicAuth({ username, password }));
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
  const app = createDashboardApp(input);
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, (address: AddressInfo) => {
      const host = hostname.includes(':') ? `[${hostname.replaceAll(/[[\]]/g, '')}]` : hostname;
      resolve({
        url: `http://${host}:${address.port}`,
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
