/** What may not answer, PostgreSQL or the queue: asked by many, and waited for by none of them for longer than a limit. */

import { messageOf } from '../../errors.ts';
import { queueFault } from '../../queue/faults/queue-fault.ts';
import { withTimeLimit } from '../../time-limit.ts';

/** A person waits for a page. */
const LIMIT_MS = 1000;

/**
 * A question that has had no answer for so long is asked again beside the first one: what it went by may be lost without
 * a word, and be there by another connection.
 */
const FORGOTTEN_MS = 30_000;

export type Answer<T> = { value: T } | { why: string };

export class DataSource<T> {
  readonly #ask: () => Promise<T>;
  readonly #limitMs: number;
  /** One question at a time: those of an outage would pile up. */
  #asked: { answer: Promise<Answer<T>>; since: number } | null = null;

  constructor(ask: () => Promise<T>, limitMs = LIMIT_MS) {
    this.#ask = ask;
    this.#limitMs = limitMs;
  }

  /** What it says within the limit, or why there is nothing. Never rejects. */
  ask(): Promise<Answer<T>> {
    return withTimeLimit(this.#limitMs, this.#answer(), () => ({
      why: `no answer within ${this.#limitMs / 1000} s`,
    }));
  }

  #answer(): Promise<Answer<T>> {
    const now = performance.now();
    if (this.#asked !== null && now - this.#asked.since < FORGOTTEN_MS) return this.#asked.answer;
    const asked = { since: now, answer: this.#once() };
    this.#asked = asked;
    void asked.answer.finally(() => {
      if (this.#asked === asked) this.#asked = null;
    });
    return asked.answer;
  }

  async #once(): Promise<Answer<T>> {
    try {
      return { value: await this.#ask() };
    } catch (error) {
      return { why: whyNot(error) };
    }
  }
}

/** As the driver of Redis says that it has no connection, and will not wait for one any longer. */
const NO_CONNECTION = /max retries per request|connection is closed/i;

/** What is none of Redis's words is told as one of PostgreSQL's, or of the network. */
const whyNot = (error: unknown): string =>
  NO_CONNECTION.test(messageOf(error)) ? 'no connection' : queueFault('redis:', error).why;
