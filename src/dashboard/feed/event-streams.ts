/** Server-sent events: each look of the feed as the page's parts, made once for all who watch. */

import type { ServerResponse } from 'node:http';
import type { Context } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import type { FeedUpdate, ProgressFeed } from './progress-feed.ts';

/** Pages that may be open at once: each holds a connection. */
const MAX_WATCHERS = 64;

export interface EventTimes {
  /** Longest wait until a reader has taken what was sent, ms: one that reads nothing gives its place to another. */
  stallMs?: number;
  /**
   * Of one stream, ms; the page opens another by itself. The kernel takes a quarter of an hour to notice that the other
   * side is gone without a word, as a laptop that is closed, and what little is sent meanwhile fills no buffer.
   */
  lifetimeMs?: number;
}

const STALL_MS = 30_000;
const LIFETIME_MS = 300_000;
/** Until the page opens the next stream, ms. */
const RETRY_MS = 500;

export class EventStreams {
  readonly #feed: ProgressFeed;
  readonly #render: (update: NonNullable<FeedUpdate>) => Promise<string>;
  readonly #times: Required<EventTimes>;
  #rendered: { update: FeedUpdate; markup: Promise<string> } | null = null;
  readonly #ends = new Set<() => void>();

  /** `render`: the markup of a look. */
  constructor(
    feed: ProgressFeed,
    render: (update: NonNullable<FeedUpdate>) => Promise<string>,
    { stallMs = STALL_MS, lifetimeMs = LIFETIME_MS }: EventTimes = {},
  ) {
    this.#feed = feed;
    this.#render = render;
    this.#times = { stallMs, lifetimeMs };
  }

  answer(context: Context): Response {
    // Headers alone: nobody would read the events.
    if (context.req.method === 'HEAD')
      return context.body(null, 200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    if (this.#feed.watchers >= MAX_WATCHERS) return context.text('Too many pages are open.', 503);
    // nginx would keep events until a buffer is full.
    context.header('X-Accel-Buffering', 'no');
    // Absent where it is called without a socket, as by a test.
    const { outgoing } = (context.env ?? {}) as { outgoing?: ServerResponse };
    return streamSSE(context, (stream) => this.#send(stream, outgoing));
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  async #send(stream: SSEStreamingApi, outgoing: ServerResponse | undefined): Promise<void> {
    const updates = new Latest<FeedUpdate>();
    const end = (): void => updates.end();
    const unwatch = this.#feed.watch((update) => updates.put(update));
    this.#ends.add(end);
    stream.onAbort(end);
    // Whatever ends the connection ends its watcher, also where nobody has read of the stream or cancelled it.
    outgoing?.once('close', end);
    const old = setTimeout(end, this.#times.lifetimeMs);
    try {
      let before = '';
      for await (const update of updates) {
        const [event, data] =
          update === null
            ? ['trouble', 'the database does not answer; trying again']
            : ['snapshot', await this.#markup(update)];
        // A comment keeps proxies from taking a silent connection for a dead one.
        await this.#taken(
          stream,
          updates,
          data === before
            ? stream.write(': same\n\n')
            : stream.writeSSE({ event, data: JSON.stringify(data), retry: RETRY_MS }),
        );
        before = data;
      }
    } finally {
      clearTimeout(old);
      unwatch();
      this.#ends.delete(end);
      this.#discard(outgoing);
    }
  }

  /** Resolves once the reader has taken what was sent, or the stream is over. */
  async #taken(stream: SSEStreamingApi, updates: Latest<FeedUpdate>, sent: Promise<unknown>): Promise<void> {
    let stalled: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      stalled = setTimeout(() => {
        updates.end();
        resolve();
      }, this.#times.stallMs);
    });
    await Promise.race([sent, updates.ended, late]);
    clearTimeout(stalled);
    // A write that nobody takes would hold the stream for ever.
    if (updates.isOver) stream.abort();
  }

  /** What is over is handed to the reader for a while, and the connection does not outlive that. */
  #discard(outgoing: ServerResponse | undefined): void {
    if (outgoing === undefined || outgoing.destroyed || outgoing.writableFinished) return;
    const late = setTimeout(() => outgoing.destroy(), this.#times.stallMs);
    late.unref();
    outgoing.once('close', () => clearTimeout(late));
  }

  #markup(update: NonNullable<FeedUpdate>): Promise<string> {
    if (this.#rendered?.update !== update) this.#rendered = { update, markup: this.#render(update) };
    return this.#rendered.markup;
  }
}

/** Holds the newest value alone: a reader that is slow misses some, and costs no memory. */
class Latest<T> implements AsyncIterable<T> {
  #value: { value: T } | null = null;
  #wake: (() => void) | null = null;
  #over!: () => void;
  isOver = false;
  readonly ended = new Promise<void>((resolve) => (this.#over = resolve));

  put(value: T): void {
    this.#value = { value };
    this.#wake?.();
  }

  end(): void {
    this.isOver = true;
    this.#over();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.isOver) {
      const held = this.#value;
      this.#value = null;
      if (held !== null) yield held.value;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
