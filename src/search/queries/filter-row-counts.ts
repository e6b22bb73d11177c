/** How many rows a filter lets through, where these are few: whoever has them all need not read the table for more. */

import type { Filter } from './filter.ts';
import type { Clock } from '../state/ttl-cache.ts';

/** What is written meanwhile is in the index too; only what vacuum has not cleared away may hide it. */
const KNOWN_MS = 60_000;
const MAX_FILTERS = 1000;

export class FilterRowCounts {
  readonly #clock: Clock;
  readonly #known = new Map<string, { rows: number; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether so many rows are all there are, or all that can be found in time, as was seen a moment ago. */
  areAll(filter: Filter | null, rows: number): boolean {
    const known = this.#known.get(keyOf(filter));
    return known !== undefined && this.#clock.now() - known.at < KNOWN_MS && rows >= known.rows;
  }

  /** @param rows 0 where reading the table took too long */
  note(filter: Filter | null, rows: number): void {
    if (this.#known.size >= MAX_FILTERS) this.#known.clear();
    this.#known.set(keyOf(filter), { rows, at: this.#clock.now() });
  }
}

const keyOf = (filter: Filter | null): string =>
  JSON.stringify(filter === null ? null : [filter.name, ...filter.values.map(String)]);
