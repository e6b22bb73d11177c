/** Counts of this process, handed to the ledger about once a second: one row for all searches must not be one lock for each. */

import { addReadCounts, emptyCounts, type ReadCounts } from '../../ledger/reads/read-stats.ts';
import { addInterleaved, type InterleavedCounts } from '../../ledger/reads/interleaving.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import type { ReadMode } from '../../ledger/reads/read-mode.ts';
import { addReadTimes, addTime, emptyTimes, type ReadTimes } from '../../ledger/reads/read-times.ts';
import { bucketOf } from '../../observability/histogram.ts';

const HAND_OVER_MS = 1000;
const REFUSED_MS = 60_000;
/** Until counts that could not be handed over are tried again. */
const AGAIN_MS = 10_000;
/** Days of comparisons whose counts wait for the ledger; there is one a day, unless somebody makes them up. */
const MAX_WAITING = 1000;

export interface Comparison {
  overlap: number;
  rankCorrelation: number;
  legacyMs: number;
  vectorMs: number;
}

type Countable = { [K in keyof ReadCounts]: ReadCounts[K] extends number ? K : never }[keyof ReadCounts];

interface Gathered {
  counts: ReadCounts | null;
  times: Map<ReadMode, ReadTimes>;
  /** By day and comparison. */
  interleaved: Map<string, InterleavedCounts>;
}

export class StatsBuffer {
  readonly #db: Queryable;
  /** By names in the ledger, of the generation that was tried or has answered. */
  #gathered = new Map<string, Gathered>();
  /** Every search has a time, in mode legacy too: where the ledger is not there, or does not take them, it is not asked once a second. */
  #timesFrom = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(db: Queryable) {
    this.#db = db;
  }

  count(name: string, what: Exclude<Countable, 'overlap' | 'rankCorrelation' | 'searches'>): void {
    this.#countsOf(name)[what]++;
  }

  compared(name: string, { overlap, rankCorrelation, legacyMs, vectorMs }: Comparison): void {
    const counts = this.#countsOf(name);
    counts.searches++;
    counts.overlap += overlap;
    counts.rankCorrelation += rankCorrelation;
    for (const [times, milliseconds] of [
      [counts.legacyMs, legacyMs],
      [counts.vectorMs, vectorMs],
    ] as const) {
      const bucket = bucketOf(milliseconds);
      times[bucket] = (times[bucket] ?? 0) + 1;
    }
  }

  /** @param milliseconds null where the search threw */
  answered(name: string, mode: ReadMode, milliseconds: number | null): void {
    if (performance.now() < this.#timesFrom) return;
    const all = this.#of(name).times;
    const times = all.get(mode) ?? emptyTimes();
    all.set(mode, times);
    if (milliseconds === null) times.errors++;
    else addTime(times, milliseconds);
    this.#schedule();
  }

  /** @param key `interleavedKey` */
  interleaved(name: string, key: string, counts: InterleavedCounts): void {
    const { interleaved } = this.#of(name);
    const summed = interleaved.get(key) ?? {};
    if (interleaved.size >= MAX_WAITING && !interleaved.has(key)) return;
    interleaved.set(key, summed);
    for (const [what, count] of Object.entries(counts) as [keyof InterleavedCounts, number][])
      summed[what] = (summed[what] ?? 0) + count;
    this.#schedule();
  }

  /**
   * Never throws: counts that the ledger does not take are lost, a search is not. Those of interleaved answers, which are
   * few and were somebody's votes, wait for a ledger that is away.
   */
  async handOver(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const gathered = this.#gathered;
    this.#gathered = new Map();
    for (const [name, { counts }] of gathered)
      if (counts !== null) await addReadCounts(this.#db, name, counts).catch(() => {});
    for (const [name, { interleaved }] of gathered) await this.#handOverInterleaved(name, interleaved);
    try {
      for (const [name, { times }] of gathered)
        for (const [mode, each] of times) await addReadTimes(this.#db, name, mode, each);
    } catch (error) {
      if (isRefusal(error)) this.#timesFrom = performance.now() + REFUSED_MS;
    }
  }

  async #handOverInterleaved(name: string, interleaved: Gathered['interleaved']): Promise<void> {
    if (interleaved.size === 0) return;
    try {
      await addInterleaved(this.#db, name, Object.fromEntries(interleaved));
    } catch (error) {
      if (isRefusal(error)) return;
      for (const [key, counts] of interleaved) this.interleaved(name, key, counts);
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.handOver(), AGAIN_MS).unref();
    }
  }

  #of(name: string): Gathered {
    const gathered = this.#gathered.get(name) ?? { counts: null, times: new Map(), interleaved: new Map() };
    this.#gathered.set(name, gathered);
    return gathered;
  }

  #countsOf(name: string): ReadCounts {
    const counts = (this.#of(name).counts ??= emptyCounts());
    this.#schedule();
    return counts;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.handOver(), HAND_OVER_MS).unref();
  }
}

/** The ledger is not there, or does not take them: nor will it in a second. */
function isRefusal(error: unknown): boolean {
  const { privilege, tableMissing, schemaMissing, columnMissing, readOnly } = SQLSTATE;
  return hasSqlState(error, privilege, tableMissing, schemaMissing, columnMissing, readOnly);
}
