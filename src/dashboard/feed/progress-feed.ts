/** One look at the ledger for all who look at the dashboard, and none while nobody does. */

import type { Pool } from '../../db/pool.ts';
import { messageOf } from '../../errors.ts';
import { pastRates } from '../../ledger/progress/batch-activity.ts';
import { listEvents, type ListedEvent } from '../../ledger/event/event.ts';
import { recallSeries, type PassPoint } from '../../ledger/passes/watch-pass.ts';
import {
  everyGeneration,
  ledgerName,
  usualOf,
  type SeenGeneration,
} from '../../ledger/progress/generation-progress.ts';
import { standing, type ProgressSnapshot } from '../../ledger/progress/snapshot.ts';
import { listQuarantine, type ListedRow } from '../../ledger/rows/quarantine.ts';
import type { Logger } from '../../observability/logger.ts';
import { MAX_POINTS, RateHistory, type RatePoint } from './rate-history.ts';

/** Of one generation. */
export interface GenerationView extends SeenGeneration {
  quarantined: ListedRow[];
  events: ListedEvent[];
  samples: readonly RatePoint[];
  /** Of the watch, the oldest first. */
  passes: readonly PassPoint[];
}

/** Of the generation by which reads go, or the newest; and of each. */
export interface FeedView extends GenerationView {
  generations: readonly GenerationView[];
  /** Why the queue is waited for, in words; null where it answers. */
  queue: string | null;
}

/** What a look brought; null where the database did not answer. */
export type FeedUpdate = FeedView | null;
type Watcher = (update: FeedUpdate) => void;

export interface FeedInput {
  pool: Pool;
  backfill: string;
  logger: Logger;
  /** Why the queue is waited for; it must answer soon, and not reject. */
  queue?: () => Promise<string | null>;
  /** Told of the generations that each look has seen, by their names in the ledger. */
  onGenerations?: (names: readonly string[]) => void;
  /** Between two looks while somebody watches, ms. */
  intervalMs?: number;
  /** Until those who watch are told that a look has not come, ms. */
  lateMs?: number;
}

const INTERVAL_MS = 1000;
const LATE_MS = 1900;
/** An outage that goes on is said again: one look a second is too much for a log. */
const AGAIN_MS = 600_000;
const LISTED_ROWS = 50;
/** More than are shown: those of a signal that comes and goes become one. */
const LISTED_EVENTS = 200;

export class ProgressFeed {
  readonly #input: FeedInput;
  readonly #watchers = new Set<Watcher>();
  readonly #sampled = new Map<number, { run: string | null; samples: RateHistory }>();
  #looking: Promise<FeedView> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #complaint: { err: string; at: number } | null = null;

  constructor(input: FeedInput) {
    this.#input = input;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** A look that is under way is shared. */
  look(): Promise<FeedView> {
    this.#looking ??= this.#read().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** Calls with each look from now on. @returns what ends it. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) void this.#tick();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#rest();
    };
  }

  close(): void {
    this.#closed = true;
    this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #tick(): Promise<void> {
    this.#rest();
    const late = setTimeout(() => this.#show(null), this.#input.lateMs ?? LATE_MS);
    const update = await this.look().catch((error: unknown) => this.#complain(messageOf(error)));
    clearTimeout(late);
    if (update !== null) this.#complaint = null;
    this.#show(update);
    if (this.#watchers.size === 0 || this.#closed) return;
    this.#rest();
    this.#timer = setTimeout(() => void this.#tick(), this.#input.intervalMs ?? INTERVAL_MS);
  }

  #show(update: FeedUpdate): void {
    for (const watcher of this.#watchers) watcher(update);
  }

  #complain(err: string): null {
    const now = performance.now();
    if (this.#complaint?.err === err && now - this.#complaint.at < AGAIN_MS) return null;
    this.#complaint = { err, at: now };
    this.#input.logger.error({ err }, 'dashboard: progress');
    return null;
  }

  /** What was before the first look, or before a new run, is in the ledger. */
  async #sample({
    generation,
    run,
    rowsPerSecond,
    etaSeconds,
  }: ProgressSnapshot): Promise<readonly RatePoint[]> {
    const now = performance.now();
    let sampled = this.#sampled.get(generation);
    if (sampled === undefined || (run !== null && run !== sampled.run)) {
      sampled = { run, samples: new RateHistory() };
      this.#sampled.set(generation, sampled);
      const before = run === null ? [] : await pastRates(this.#input.pool, run, MAX_POINTS / 2);
      for (const { secondsAgo, ...past } of before)
        sampled.samples.add({ at: now - 1000 * secondsAgo, ...past });
    }
    if (rowsPerSecond !== null) sampled.samples.add({ at: now, rowsPerSecond, etaSeconds });
    return sampled.samples.points;
  }

  async #read(): Promise<FeedView> {
    const { pool, backfill } = this.#input;
    const [seen, queue] = await Promise.all([everyGeneration(pool, backfill), this.#input.queue?.() ?? null]);
    this.#input.onGenerations?.(seen.map(({ snapshot }) => ledgerName(snapshot)));
    const generations: GenerationView[] = [];
    for (const each of seen) {
      const snapshot = queue === null ? each.snapshot : standing(each.snapshot);
      const name = ledgerName(snapshot);
      generations.push({
        ...each,
        snapshot,
        quarantined: await listQuarantine(pool, name, LISTED_ROWS),
        events: await listEvents(pool, name, LISTED_EVENTS),
        samples: await this.#sample(snapshot),
        passes: snapshot.watch === null ? [] : await recallSeries(pool, name, MAX_POINTS),
      });
    }
    for (const generation of this.#sampled.keys())
      if (!generations.some(({ snapshot }) => snapshot.generation === generation))
        this.#sampled.delete(generation);
    return { ...usualOf(generations), generations, queue };
  }
}
