/** When what has failed is tried again: later each time. */

import type { Clock } from './ttl-cache.ts';

const FIRST_MS = 5000;
const LAST_MS = 300_000;

export interface Failure {
  error: unknown;
  times: number;
  /** By the clock, ms. */
  notBefore: number;
}

export class RetryTimes {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(name: string, error: unknown): void {
    const times = (this.#failures.get(name)?.times ?? 0) + 1;
    const delay = Math.min(FIRST_MS * 2 ** (times - 1), LAST_MS);
    this.#failures.set(name, { error, times, notBefore: this.#clock.now() + delay });
  }

  succeeded(name: string): void {
    this.#failures.delete(name);
  }

  /** Its last failure; null where it has not failed since it last succeeded. */
  faultOf(name: string): Failure | null {
    return this.#failures.get(name) ?? null;
  }

  isDue(name: string): boolean {
    const failure = this.#failures.get(name);
    return failure === undefined || this.#clock.now() >= failure.notBefore;
  }
}
