/** The progress page at /, its events and buttons, Bull Board (read-only) at /queues, health at /healthz and /readyz. */

import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { getPath } from 'hono/utils/url';
import { optionName } from '../config/option-name.ts';
import { parseBasePath } from '../config/values/base-path.ts';
import { plainTextConnections } from '../config/plain-text.ts';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { ConfigError, messageOf } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { newAccessToken, requireAccessToken } from './access/token.ts';
import { Actions } from './actions.ts';
import { GenerationQueues, type OpenQueues, type Queues } from './generation-queues.ts';
import { presentGenerations } from '../ledger/generation/generation.ts';
import { progressOf } from '../ledger/progress/generation-progress.ts';
import { DataSource } from './feed/data-source.ts';
import { assets } from './assets.ts';
import { queueBoard } from './pages/queue-board.ts';
import { requireCredentials } from './access/credentials.ts';
import { EventStreams, type EventTimes } from './feed/event-streams.ts';
import { readsForwarded, routedPath } from './access/forwarded.ts';
import { ProgressFeed, type FeedInput } from './feed/progress-feed.ts';
import { readinessProblem } from './readiness.ts';
import { serve, urlHost } from './listen.ts';
import { keepNothing, nothingForHead, securityHeaders } from './access/headers.ts';
import { judgePage, judgeRoutes, judging, type JudgeInput } from './pages/relevance-page.ts';
import { metricsOf } from './metrics/collect.ts';
import { scrape } from './metrics/scrape.ts';
import { progressPage, progressSections } from './pages/progress-page.ts';
import { assertProtected, hasCredentials, isLoopback, readTls } from './access/protection.ts';
import { MAX_HITS, searchPage } from './pages/search-page.ts';
import { PageSearch } from './page-search.ts';
import {
  noticeOutages,
  outageResponse,
  dataSources,
  outageOf,
  outagesOf,
  type DataSourceName,
  type DataSources,
} from './feed/outage-notice.ts';
import { checkHost, newCsrfToken, protectActions } from './access/same-origin.ts';

export interface DashboardInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  /** For looks at the ledger: with a limit of the wait for an answer, as nobody is told of a network that is gone. */
  looks?: Pool;
  /** Of the first generation. */
  queues: Queues;
  /** Of another one, once it is there. */
  openQueues?: OpenQueues;
  logger: Logger;
  times?: DashboardTimes;
}

/** What is absent has its usual value. */
export interface DashboardTimes extends EventTimes, Pick<FeedInput, 'lateMs'> {
  /** How long a page waits for the word that a source is there, ms. */
  answerMs?: number;
  /** How long a scrape waits for each source, ms. */
  scrapeMs?: number;
  /** Until connections that do not end by themselves are ended, once the dashboard closes, ms. */
  closeMs?: number;
}

export interface Dashboard {
  /** Without a slash at its end. */
  url: string;
  /** Of this start, for whoever is to look and act; null where credentials are set. */
  token: string | null;
  close(): Promise<void>;
}

export interface DashboardApp extends Pick<Dashboard, 'token'> {
  app: Hono;
  /** Ends the event streams, so that the server can end, and the model of the search page. */
  close: () => Promise<void>;
}

export function createDashboardApp(input: DashboardInput): DashboardApp {
  const { pool, looks = pool, settings, queues, logger } = input;
  const asked = readsForwarded(settings);
  const app = new Hono({
    getPath: (request, options) => routedPath(getPath(request), asked(request, options?.env)),
  });
  const sources = dataSources(looks, queues.embed, input.times?.answerMs);
  app.onError(async (error, context) => {
    // Refused by a middleware, such as the limit of a body.
    if (error instanceof HTTPException) return error.getResponse();
    logger.error({ err: messageOf(error), path: context.req.path }, 'dashboard request');
    const silent = await outagesOf(sources, ['database', 'queue']);
    if (silent.length > 0) return outageResponse(context, silent, input.backfill);
    return context.json({ error: 'The request failed; see the log of the dashboard.' }, 500);
  });
  const headers = { own: securityHeaders(settings, false), board: securityHeaders(settings, true) };
  app.use((context, next) =>
    (context.req.path.startsWith('/queues') ? headers.board : headers.own)(context, next),
  );
  app.use(keepNothing);
  app.use(nothingForHead);
  app.use(oneAddress);
  // Probes of an orchestrator carry no credentials and any name, and are told nothing but yes or no.
  app.get('/healthz', (context) => context.text('ok'));
  app.get('/readyz', async (context) => {
    const problem = await readinessProblem(pool, queues.embed);
    return problem === null ? context.text('ready') : context.text(problem, 503);
  });
  app.use(checkHost(settings));
  const token = hasCredentials(settings) ? null : newAccessToken();
  app.use(token === null ? requireCredentials(settings, logger) : requireAccessToken(settings, token));
  app.route('/assets', assets());
  const needs = (...names: DataSourceName[]): MiddlewareHandler =>
    noticeOutages(sources, names, input.backfill);
  for (const path of ['/', '/api/status', '/search', '/judge', '/actions/*'])
    app.use(path, needs('database'));
  const csrf = newCsrfToken();
  const all = new GenerationQueues({ name: input.backfill, queues }, input.openQueues);
  const closeProgress = addProgress(app, { ...input, looks, sources, all }, csrf);
  const closeSearch = addSearch(app, input, csrf);
  const basePathOf = ({ req, env }: Context): string => asked(req.raw, env).basePath;
  const generations = new DataSource(() => presentGenerations(looks, input.backfill), input.times?.answerMs);
  const refresh = async (): Promise<void> => {
    const answer = await generations.ask();
    if ('value' in answer) all.present(answer.value.map(({ name }) => name));
  };
  app.route('/queues', queueBoard(all, refresh, sources, input.backfill, basePathOf));
  const close = async (): Promise<void> => {
    closeProgress();
    await closeSearch();
    await all.close();
  };
  return { app, token, close };
}

/** Pages name each other from where they are: the first one with the slash at its end, which keeps a base path, all others without. */
const PAGE_WITH_SLASH = /^\/(queues|search|judge|api\/status|metrics|healthz|readyz)\/+$/;
const oneAddress: MiddlewareHandler = async ({ req, redirect }, next) => {
  const { pathname, search } = new URL(req.url);
  const isFirst = req.path === '/';
  const isOther = isFirst ? !pathname.endsWith('/') : PAGE_WITH_SLASH.test(req.path);
  if (!isOther || !['GET', 'HEAD'].includes(req.method)) return next();
  const plain = pathname.replace(/\/+$/, '');
  const up = '../'.repeat(pathname.length - plain.length) || './';
  return redirect(`${up}${plain.split('/').at(-1)}${isFirst ? '/' : ''}${search}`, 308);
};

function addSearch(
  app: Hono,
  { pool, backfill, settings, logger }: DashboardInput,
  csrf: string,
): () => Promise<void> {
  const judge: JudgeInput = { pool, backfill, settings, csrf };
  app.use('/judge', bodyLimit({ maxSize: MAX_JUDGEMENT_BYTES }), async (context, next) =>
    ['GET', 'HEAD'].includes(context.req.method) ? next() : protectActions(settings, csrf)(context, next),
  );
  app.get('/judge', async (context) => context.html(await judgePage(judge)));
  app.route('/judge', judgeRoutes(judge));
  const search = new PageSearch({ pool, backfill, settings, logger });
  const filters = settings.search.filters.map(({ name }) => name);
  app.get('/search', async (context) => {
    const { q = '', k = '', filter = '', from = '' } = context.req.query();
    const hits = /^\d{1,3}$/.test(k) ? Math.min(Math.max(Number(k), 1), MAX_HITS) : DEFAULT_HITS;
    const query = { text: q.trim().slice(0, MAX_QUERY_CHARACTERS), k: hits, filter };
    const result = query.text === '' ? null : await search.ask(query);
    return context.html(
      searchPage({
        backfill,
        filters,
        query,
        result,
        judging: await judging(judge, query.text, filter, from),
      }),
    );
  });
  return () => search.close();
}

interface ProgressInput extends DashboardInput {
  looks: Pool;
  sources: DataSources;
  all: GenerationQueues;
}

function addProgress(app: Hono, input: ProgressInput, csrf: string): () => void {
  const { pool, looks, backfill, settings, all, logger, times, sources } = input;
  const feed = new ProgressFeed({
    pool: looks,
    backfill,
    logger,
    queue: () => outageOf(sources, 'queue'),
    onGenerations: (names) => all.present(names),
    ...(times?.lateMs === undefined ? {} : { lateMs: times.lateMs }),
  });
  const streams = new EventStreams(
    feed,
    async (look) => (await progressSections(look, csrf)).toString(),
    times,
  );
  const actions = new Actions();
  const metrics = metricsOf({ looks, backfill, queues: all, feed, limitMs: times?.scrapeMs });
  app.get('/', async (context) =>
    context.html(progressPage(await feed.look(), csrf, actions.notice(context.req.query('done')))),
  );
  app.get('/events', (context) => streams.answer(context));
  app.get('/metrics', async (context) => {
    const result = scrape(await metrics());
    return context.body(await result.text(), 200, { 'content-type': result.contentType });
  });
  app.get('/api/status', async (context) => {
    const { known, snapshot, generations, queue } = await feed.look();
    const model = snapshot.model === null ? null : { ...snapshot.model, usage: known?.usage ?? [] };
    return context.json({
      ...snapshot,
      model,
      generations: generations.map((each) => progressOf(each)),
      queue,
    });
  });
  app.use('/actions/*', bodyLimit({ maxSize: MAX_FORM_BYTES }), protectActions(settings, csrf));
  app.route(
    '/actions',
    actions.routes({ pool, backfill, settings, queues: all, queueTrouble: () => outageOf(sources, 'queue') }),
  );
  return () => {
    streams.close();
    feed.close();
  };
}

/** A form holds a token and nothing else. */
const MAX_FORM_BYTES = 4096;
/** A query of a thousand characters, each of up to twelve in a form. */
const MAX_JUDGEMENT_BYTES = 16_384;
const MAX_QUERY_CHARACTERS = 1000;
const DEFAULT_HITS = 10;
const CLOSE_MS = 2000;

export async function startDashboard(input: DashboardInput): Promise<Dashboard> {
  assertProtected(input.settings);
  const { host: hostname, port } = input.settings.dashboard;
  const tls = readTls(input.settings);
  if (tls === null && !isLoopback(hostname))
    input.logger.warn(
      { host: hostname },
      `the dashboard speaks plain HTTP: set ${optionName('dashboard.tlsCertificate')} and ${optionName('dashboard.tlsKey')}, or put a proxy with TLS in front`,
    );
  for (const { message, remedy } of plainTextConnections(input.settings))
    input.logger.warn({ remedy }, message);
  const { app, token, close } = createDashboardApp(input);
  return new Promise((resolve, reject) => {
    const secure = tls === null ? {} : { createServer: createHttpsServer, serverOptions: tls };
    const server = serve({ fetch: app.fetch, hostname, port, ...secure }, (address: AddressInfo) => {
      resolve({
        token,
        url: `${tls === null ? 'http' : 'https'}://${urlHost(hostname)}:${address.port}${parseBasePath(input.settings.dashboard.basePath ?? '') ?? ''}`,
        close: async () => {
          await close();
          // One that reads nothing, or sends a body without end, would hold the process.
          const late = setTimeout(() => {
            if ('closeAllConnections' in server) server.closeAllConnections();
          }, input.times?.closeMs ?? CLOSE_MS);
          await new Promise<void>((done) => void server.close(() => done()));
          clearTimeout(late);
        },
      });
    });
    server.on('error', (error: Error) => {
      reject(
        new ConfigError(`The dashboard cannot listen on ${hostname}:${port}: ${messageOf(error)}.`, {
          code: 'DASHBOARD_ADDRESS',
          remedy: `Choose another ${optionName('dashboard.port')} or ${optionName('dashboard.host')}.`,
          cause: error,
        }),
      );
    });
  });
}
