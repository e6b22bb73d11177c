/** Counts of this process, handed to the ledger about once a second: one row for all searches must not be one lock for each. */

import { addReadCounts, emptyCounts, type ReadCounts } from '../../ledger/reads/read-stats.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import type { ReadMode } from '../../ledger/reads/read-mode.ts';
import { addReadTimes, addTime, emptyTimes, type ReadTimes } from '../../ledger/reads/read-times.ts';
import { bucketOf } from '../../observability/histogram.ts';

const HAND_OVER_MS = 1000;
const REFUSED_MS = 60_000;

export interface Comparison {
  overlap: number;
  rankCorrelation: number;
  legacyMs: number;
  vectorMs: number;
}

type Countable = { [K in keyof ReadCounts]: ReadCounts[K] extends number ? K : never }[keyof ReadCounts];

export class StatsBuffer {
  readonly #db: Queryable;
  readonly #backfill: string;
  #counts: ReadCounts | null = null;
  #times = new Map<ReadMode, ReadTimes>();
  /** Every search has a time, in mode legacy too: where the ledger is not there, or does not take them, it is not asked once a second. */
  #timesFrom = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(db: Queryable, backfill: string) {
    this.#db = db;
    this.#backfill = backfill;
  }

  count(what: Exclude<Countable, 'overlap' | 'rankCorrelation' | 'searches'>): void {
    this.#open()[what]++;
  }

  compared({ overlap, rankCorrelation, legacyMs, vectorMs }: Comparison): void {
    const counts = this.#open();
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
  answered(mode: ReadMode, milliseconds: number | null): void {
    if (performance.now() < this.#timesFrom) return;
    const times = this.#times.get(mode) ?? emptyTimes();
    this.#times.set(mode, times);
    if (milliseconds === null) times.errors++;
    else addTime(times, milliseconds);
    this.#schedule();
  }

  /** Never throws: counts that the ledger does not take are lost, a search is not. */
  async handOver(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const counts = this.#counts;
    this.#counts = null;
    const times = this.#times;
    this.#times = new Map();
    if (counts !== null) await addReadCounts(this.#db, this.#backfill, counts).catch(() => {});
    try {
      for (const [mode, each] of times) await addReadTimes(this.#db, this.#backfill, mode, each);
    } catch (error) {
      const { privilege, tableMissing, schemaMissing, readOnly } = SQLSTATE;
      if (hasSqlState(error, privilege, tableMissing, schemaMissing, readOnly))
        this.#timesFrom = performance.now() + REFUSED_MS;
    }
  }

  #open(): ReadCounts {
    this.#counts ??= emptyCounts();
    this.#schedule();
    return this.#counts;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.handOver(), HAND_OVER_MS).unref();
  }
}
