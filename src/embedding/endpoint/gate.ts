/** The gate that every request of one embedder goes through: so many at a time, and none while the server wants rest. */

import { pause, type Timing } from './timing.ts';

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
