/** Server-sent events: each look of the feed as the page's parts, made once for all who watch. */

import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Look, ProgressFeed } from './feed.ts';

/** Pages that may be open at once: each holds a connection. */
const MOST_WATCHERS = 64;

export class EventStreams {
  readonly #feed: ProgressFeed;
  readonly #render: (look: NonNullable<Look>) => Promise<string>;
  #rendered: { look: Look; markup: Promise<string> } | null = null;
  readonly #ends = new Set<() => void>();

  /** `render`: the markup of a look. */
  constructor(feed: ProgressFeed, render: (look: NonNullable<Look>) => Promise<string>) {
    this.#feed = feed;
    this.#render = render;
  }

  answer(context: Context): Response {
    if (this.#feed.watchers >= MOST_WATCHERS) return context.text('Too many pages are open.', 503);
    // nginx would keep events until a buffer is full.
    context.header('X-Accel-Buffering', 'no');
    return streamSSE(context, async (stream) => {
      const looks = new Latest<Look>();
      const end = (): void => looks.end();
      const unwatch = this.#feed.watch((look) => looks.put(look));
      this.#ends.add(end);
      stream.onAbort(end);
      try {
        let before = '';
        for await (const look of looks) {
          const [event, data] =
            look === null
              ? ['trouble', 'the database does not answer; trying again']
              : ['snapshot', await this.#markup(look)];
          // A comment keeps proxies from taking a silent connection for a dead one.
          if (data === before) await stream.write(': same\n\n');
          else await stream.writeSSE({ event, data: JSON.stringify(data) });
          before = data;
        }
      } finally {
        unwatch();
        this.#ends.delete(end);
      }
    });
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  #markup(look: NonNullable<Look>): Promise<string> {
    if (this.#rendered?.look !== look) this.#rendered = { look, markup: this.#render(look) };
    return this.#rendered.markup;
  }
}

/** Holds the newest value alone: a reader that is slow misses some, and costs no memory. */
class Latest<T> implements AsyncIterable<T> {
  #value: { value: T } | null = null;
  #ended = false;
  #wake: (() => void) | null = null;

  put(value: T): void {
    this.#value = { value };
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#ended) {
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
