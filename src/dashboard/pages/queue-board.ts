/** Bull Board at /queues: read-only, with the keys and bounds of jobs and nothing else of their data. */

import { createRequire } from 'node:module';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono, type Context } from 'hono';
import type { JobQueue } from '../../queue/connection.ts';
import type { GenerationQueues } from '../generation-queues.ts';
import { noticeOutages, type DataSources } from '../feed/outage-notice.ts';
import { parseEmbedJob, parseFinalizeJob, parseSyncJob } from '../../queue/jobs/payloads.ts';

/** Fonts of another host: the page does without them. */
const FOREIGN_LINK = /<link[^>]+href="https?:[^>]*>\s*/g;

/** The way back, and no link to another host's documentation. */
const UI = {
  boardTitle: 'pgvector-backfill',
  hideDocsLink: true,
  miscLinks: [
    // From the board's own base on, which is not always the root.
    { text: 'Progress', url: '../' },
    { text: 'Search', url: '../search' },
  ],
};

/** A job that is none of ours may hold anything. */
const shownData = (data: unknown): unknown =>
  parseEmbedJob(data) ?? parseFinalizeJob(data) ?? parseSyncJob(data) ?? '(not a job of this version)';

function adapterOf(queue: JobQueue): BullMQAdapter {
  const adapter = new BullMQAdapter(queue, { readOnlyMode: true });
  adapter.setFormatter('data', shownData);
  return adapter;
}

/** As its page has it; behind a proxy the base path comes before it. */
const BASE = '<base href="/queues/"';

/** @param refresh looks which generations there are, as far as that can be told now */
export function queueBoard(
  queues: GenerationQueues,
  refresh: () => Promise<void>,
  sources: DataSources,
  backfill: string,
  basePathOf: (context: Context) => string,
): Hono {
  const board = new HonoAdapter(serveStatic);
  board.setBasePath('/queues');
  let shown = queues.all;
  const shownBoard = createBullBoard({
    queues: shown.map((queue) => adapterOf(queue)),
    serverAdapter: board,
    // The package is looked up from here: under a hoisted install its own guess is another folder.
    options: { uiBasePath: uiFolder(), uiConfig: UI },
  });
  const routes = new Hono();
  routes.use(async (_, next) => {
    await refresh();
    const present = queues.all;
    if (present.length !== shown.length || present.some((queue, at) => queue !== shown[at])) {
      shown = present;
      shownBoard.replaceQueues(present.map((queue) => adapterOf(queue)));
    }
    return next();
  });
  routes.use(async (context, next) => {
    const { method } = context.req;
    return method === 'GET' || method === 'HEAD'
      ? next()
      : context.text('The queues are shown, not changed.', 405);
  });
  const needs = noticeOutages(sources, ['queue'], backfill, { first: true });
  // The board's own style and script are read from the disk.
  routes.use((context, next) => (context.req.path.includes('/static/') ? next() : needs(context, next)));
  routes.use(async (context, next) => {
    await next();
    if (!(context.res.headers.get('content-type') ?? '').startsWith('text/html')) return;
    const page = (await context.res.text())
      .replaceAll(FOREIGN_LINK, '')
      .replace(BASE, `<base href="${basePathOf(context)}/queues/"`);
    context.res = new Response(page, context.res);
  });
  routes.route('/', board.registerPlugin());
  return routes;
}

function uiFolder(): string {
  return createRequire(import.meta.url)
    .resolve('@bull-board/ui/package.json')
    .replace(/\/package\.json$/, '');
}
