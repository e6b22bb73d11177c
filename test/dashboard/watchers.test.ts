import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventStreams, type EventTimes } from '../../src/dashboard/feed/event-streams.ts';
import { ProgressFeed } from '../../src/dashboard/feed/progress-feed.ts';
import { nothingForHead } from '../../src/dashboard/access/headers.ts';
import type { Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';

const MANY = 70;

describe('a watcher ends with its connection', () => {
  const feed = (): ProgressFeed =>
    new ProgressFeed({
      pool: { query: () => Promise.resolve({ rows: [] }) } as unknown as Pool,
      backfill: 'docs',
      logger: silentLogger,
      intervalMs: 5,
    });
  let ends: (() => Promise<void> | void)[];
  beforeEach(() => void (ends = []));
  afterEach(async () => {
    for (const end of ends.toReversed()) await end();
  });

  async function serveEvents(
    times: EventTimes,
    bytes = 100,
  ): Promise<{
    url: string;
    watched: ProgressFeed;
    streams: EventStreams;
    rendered: () => number;
    connections: () => Promise<number>;
  }> {
    const watched = feed();
    let rendered = 0;
    // Each look is another page.
    const render = (): Promise<string> => Promise.resolve(String(rendered++).padEnd(bytes, 'x'));
    const streams = new EventStreams(watched, render, times);
    const app = new Hono();
    app.use(nothingForHead);
    app.get('/events', (context) => streams.answer(context));
    // A stream that knows nothing of HEAD: by the middleware alone.
    app.get('/other', (context) => {
      Object.defineProperty(context.req.raw, 'method', { value: 'GET', configurable: true });
      const answer = streams.answer(context);
      Object.defineProperty(context.req.raw, 'method', { value: 'HEAD', configurable: true });
      return answer;
    });
    const server = createAdaptorServer({ fetch: app.fetch });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(
      () => new Promise<void>((done) => void server.close(() => done())),
      () => {
        streams.close();
        watched.close();
        if ('closeAllConnections' in server) server.closeAllConnections();
      },
    );
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const connections = (): Promise<number> =>
      new Promise((resolve) => void server.getConnections((_, count) => resolve(count)));
    return { url, watched, streams, rendered: () => rendered, connections };
  }

  /** Asks for the stream and reads nothing of it. */
  async function ask(url: string): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    ends.push(() => void socket.destroy());
    await once(socket, 'connect');
    socket.pause();
    socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return socket;
  }

  it('of HEAD there is none, however often it is asked, and pages open behind it', async () => {
    const { url, watched } = await serveEvents({});
    for (const path of ['/events', '/other'])
      for (let count = 0; count < MANY; count++) {
        const answer = await fetch(`${url}${path}`, { method: 'HEAD' });
        expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      }
    await until('nobody watches', () => watched.watchers === 0);
    const page = await fetch(`${url}/events`);
    expect(page.status).toBe(200);
    await page.body?.cancel();
    await until('nobody watches', () => watched.watchers === 0);
  });

  it('also where the request is ended at once', async () => {
    const { url, watched } = await serveEvents({});
    await Promise.all(
      Array.from({ length: MANY }, async () => {
        const socket = await ask(url);
        socket.destroySoon();
      }),
    );
    const page = await fetch(`${url}/events`).then(async (answer) => {
      const { status } = answer;
      await answer.body?.cancel();
      return status;
    });
    expect([200, 503]).toContain(page);
    await until('nobody watches', () => watched.watchers === 0);
  });

  it('a reader that takes nothing is left, at the cost of what the buffers hold', async () => {
    const bytes = 2 ** 20;
    const { url, watched, rendered, connections } = await serveEvents({ stallMs: 300 }, bytes);
    await ask(url);
    await until('it watches', () => watched.watchers === 1);
    await until('it is left', () => watched.watchers === 0);
    // Buffers of the kernel, and no page for each look meanwhile.
    expect(rendered()).toBeLessThan(20);
    await until('its connection is ended', async () => (await connections()) === 0);
  });

  it('a side that is gone without a word keeps its place for the length of one stream', async () => {
    const { url, watched } = await serveEvents({ lifetimeMs: 300, stallMs: 100 });
    const proxy: TestProxy = await startProxy(() => url);
    ends.push(() => proxy.close());
    await ask(proxy.url);
    await until('it watches', () => watched.watchers === 1);
    proxy.hold();
    await until('its place is free', () => watched.watchers === 0);
  });

  it('the end of the dashboard ends the stream of a reader that takes nothing', async () => {
    const { url, watched, streams } = await serveEvents({}, 2 ** 22);
    await ask(url);
    await until('it watches', () => watched.watchers === 1);
    streams.close();
    await until('nobody watches', () => watched.watchers === 0);
  });
});
