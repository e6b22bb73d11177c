/** A value of which no copy is older than a bound; of several callers at a time one fetches it for all. */

export interface Clock {
  /** Milliseconds from any start, never going back. */
  now(): number;
}

export const MONOTONIC: Clock = performance;

export class TtlCache<T> {
  readonly #load: () => Promise<T>;
  readonly #maxAgeMs: number;
  readonly #clock: Clock;
  #value: { of: T; at: number } | null = null;
  #loading: Promise<T> | null = null;

  constructor(load: () => Promise<T>, maxAgeMs: number, clock: Clock) {
    this.#load = load;
    this.#maxAgeMs = maxAgeMs;
    this.#clock = clock;
  }

  /** Fetched again once the last fetch began `maxAgeMs` ago: it may show things as they were at its beginning. */
  get(): Promise<T> {
    const held = this.#value;
    if (held !== null && this.#clock.now() - held.at < this.#maxAgeMs) return Promise.resolve(held.of);
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #fetch(): Promise<T> {
    const at = this.#clock.now();
    const value = await this.#load();
    this.#value = { of: value, at };
    return value;
  }
}
