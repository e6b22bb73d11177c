/** What goes on, or comes and goes, is said once, and again at growing intervals: a log is for people. */

const FIRST_MS = 600_000;
const MAX_MS = 6 * 3_600_000;

export class LogRateLimit {
  readonly #now: () => number;
  #said = new Map<string, { at: number; afterMs: number }>();

  constructor(now = (): number => performance.now()) {
    this.#now = now;
  }

  /** Whether it is time to say this. */
  isDue(what: string): boolean {
    const now = this.#now();
    const last = this.#said.get(what);
    if (last !== undefined && now - last.at < last.afterMs) return false;
    // One that went on would have been said by then: it has begun again since.
    const isNew = last === undefined || now - last.at > last.afterMs + FIRST_MS;
    const afterMs = isNew ? FIRST_MS : Math.min(2 * last.afterMs, MAX_MS);
    this.#said.set(what, { at: now, afterMs });
    return true;
  }
}
