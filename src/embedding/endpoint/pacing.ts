/** When requests of one embedder go out: so many at a time, none while the server wants rest, and later each time after a failure. */

import { setTimeout as delay } from 'node:timers/promises';

export interface Timing {
  /** Milliseconds since 1970: servers may name the end of a wait as a date. */
  now(): number;
  /** Rejects where the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** 0 to 1, as Math.random. */
  random(): number;
}

export const REAL_TIMING: Timing = {
  now: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  random: () => Math.random(),
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
/** Full jitter may say zero; a server that refuses everything must not be asked in a tight loop. */
const SHORTEST_WAIT_MS = 100;

/** Exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), ms. */
export function backoffMs(attempt: number, timing: Timing): number {
  const max = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return Math.max(SHORTEST_WAIT_MS, timing.random() * max);
}

/** @throws the reason of the signal where it aborts, which says whether the caller or close() ended the waiting. */
export async function pause(timing: Timing, ms: number, signal: AbortSignal): Promise<void> {
  await timing.sleep(ms, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  signal.throwIfAborted();
}

export class RequestGate {
  readonly #timing: Timing;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #heldUntil = 0;

  constructor(max: number, timing: Timing) {
    this.#free = max;
    this.#timing = timing;
  }

  /** Runs `work` when it is its turn. A request keeps its place while it waits to be tried again: a server in need is asked less. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** Nothing is sent for so long; a longer wait that is already due stays. */
  hold(ms: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, this.#timing.now() + ms);
  }

  /** Ms until requests may be sent again. */
  get remainingMs(): number {
    return Math.max(0, this.#heldUntil - this.#timing.now());
  }

  /** Waits until requests may be sent again, `most` ms in all. @returns ms waited, or null where that is not enough. */
  async open(max: number, signal: AbortSignal): Promise<number | null> {
    let waited = 0;
    // Again: another request may have been told to wait longer meanwhile.
    for (let ms = this.remainingMs; ms > 0; ms = this.remainingMs) {
      if (waited + ms > max) return null;
      await pause(this.#timing, ms, signal);
      waited += ms;
    }
    return waited;
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
