/** Counts wrong credentials by client address, so that a password cannot be guessed by trying. */

/** Wrong tries that an address has within the window. */
const MOST_FAILURES = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered; beyond it the oldest is forgotten, so that memory stays bounded. */
const MOST_ADDRESSES = 4096;

export class FailureLimit {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Seconds until the address may try again; 0 where it may now. */
  secondsLeft(address: string): number {
    const found = this.#failures.get(address);
    if (found === undefined) return 0;
    const left = found.until - this.#now();
    if (left <= 0) this.#failures.delete(address);
    return left > 0 && found.count >= MOST_FAILURES ? Math.ceil(left / 1000) : 0;
  }

  add(address: string): void {
    const found = this.#failures.get(address);
    const now = this.#now();
    const count = found === undefined || found.until <= now ? 1 : found.count + 1;
    // The window begins with the first failure, and anew with the one that fills it.
    const until = count === 1 || count === MOST_FAILURES ? now + WINDOW_MS : (found?.until ?? now);
    this.#failures.delete(address);
    this.#failures.set(address, { count, until });
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > MOST_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }

  forget(address: string): void {
    this.#failures.delete(address);
  }
}
