/** What to say within two seconds while PostgreSQL or the queue does not answer, in place of an error after fourteen. */

import type { Context, MiddlewareHandler } from 'hono';
import { html } from 'hono/html';
import type { Pool } from '../../db/pool.ts';
import { queueUnreachable } from '../../queue/probes/queue-snapshot.ts';
import type { JobQueue } from '../../queue/connection.ts';
import { withTimeLimit } from '../../time-limit.ts';
import { NOTHING, layout } from '../pages/layout.ts';
import { DataSource } from './data-source.ts';

export type DataSourceName = 'database' | 'queue';

export interface DataSources {
  database: DataSource<unknown>;
  queue: DataSource<unknown>;
}

export const dataSources = (pool: Pool, queue: JobQueue, limitMs?: number): DataSources => ({
  database: new DataSource(() => pool.query('SELECT 1'), limitMs),
  queue: new DataSource(() => queue.getJobCounts('waiting'), limitMs),
});

const WORDS: Record<DataSourceName, (why: string) => string> = {
  database: (why) =>
    `PostgreSQL does not answer (${why}). Workers wait for it, and go on by themselves once it is there.`,
  queue: queueUnreachable,
};

/** Null where it answers. */
export async function outageOf(sources: DataSources, name: DataSourceName): Promise<string | null> {
  const answer = await sources[name].ask();
  return 'why' in answer ? WORDS[name](answer.why) : null;
}

export async function outagesOf(sources: DataSources, names: readonly DataSourceName[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => outageOf(sources, name)));
  return found.filter((words) => words !== null);
}

/** Of a request that is under way, before anybody looks for a reason; with the sources' own limit less than 2 s. */
const PATIENCE_MS = 500;

/**
 * For what cannot be answered without `names`: a request that takes long goes on for as long as they answer.
 * `first`: they are asked before anything else is begun.
 */
export function noticeOutages(
  sources: DataSources,
  names: readonly DataSourceName[],
  backfill: string,
  { first = false }: { first?: boolean } = {},
): MiddlewareHandler {
  return async (context, next) => {
    if (first) {
      const found = await outagesOf(sources, names);
      if (found.length > 0) return outageResponse(context, found, backfill);
    }
    const over = next();
    const answered = over.then(() => true as const);
    // Its own errors are answered within; nobody waits for it where this has answered.
    answered.catch(() => {});
    for (;;) {
      if (await withTimeLimit(PATIENCE_MS, answered, () => false)) return over;
      const found = await Promise.race([outagesOf(sources, names), answered]);
      if (found === true) return over;
      if (found.length > 0) return outageResponse(context, found, backfill);
    }
  };
}

/** 503, in words; a page of it loads itself again. */
export function outageResponse(context: Context, words: readonly string[], backfill: string): Response {
  const isPage = (context.req.header('accept') ?? '').includes('text/html');
  if (context.req.method === 'POST')
    words = [...words, 'Whether that was done is not known: look again then.'];
  context.header('Retry-After', '5');
  if (!isPage) return context.json({ error: words.join(' ') }, 503);
  const page = layout({
    title: `${backfill}: no answer`,
    heading: backfill,
    here: '/',
    // In the place of a page at any path, Bull Board's too.
    at: context.req.path,
    live: false,
    body: html`${context.req.method === 'POST' ? NOTHING : html`<meta http-equiv="refresh" content="5" />`}
      <section id="outage" class="wide" role="alert">${words.map((each) => html`<p>${each}</p>`)}</section>`,
  });
  return context.html(page as string, 503);
}
