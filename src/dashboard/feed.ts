/** One look at the ledger for all who look at the dashboard, and none while nobody does. */

import type { Pool } from '../db/pool.ts';
import { messageOf } from '../errors.ts';
import { pastRates } from '../ledger/activity.ts';
import { listEvents, type ListedEvent } from '../ledger/event.ts';
import { progressSnapshot, type ProgressSnapshot } from '../ledger/progress.ts';
import { listQuarantine, type ListedRow } from '../ledger/quarantine.ts';
import type { Logger } from '../observability/logger.ts';
import { MOST, Samples, type Sample } from './samples.ts';

export interface View {
  snapshot: ProgressSnapshot;
  quarantined: ListedRow[];
  events: ListedEvent[];
  samples: readonly Sample[];
}

/** What a look brought; null where the database did not answer. */
export type Look = View | null;
type Watcher = (look: Look) => void;

export interface FeedInput {
  pool: Pool;
  backfill: string;
  logger: Logger;
  /** Between two looks while somebody watches, ms. */
  intervalMs?: number;
}

const INTERVAL_MS = 1000;
const LISTED_ROWS = 50;
/** More than are shown: those of a signal that comes and goes become one. */
const LISTED_EVENTS = 200;

export class ProgressFeed {
  readonly #input: FeedInput;
  readonly #watchers = new Set<Watcher>();
  #samples = new Samples();
  #sampledRun: string | null = null;
  #looking: Promise<View> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(input: FeedInput) {
    this.#input = input;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** A look that is under way is shared. */
  look(): Promise<View> {
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
    const look = await this.look().catch((error: unknown) => {
      this.#input.logger.error({ err: messageOf(error) }, 'dashboard: progress');
      return null;
    });
    for (const watcher of this.#watchers) watcher(look);
    if (this.#watchers.size === 0 || this.#closed) return;
    this.#rest();
    this.#timer = setTimeout(() => void this.#tick(), this.#input.intervalMs ?? INTERVAL_MS);
  }

  /** What was before the first look, or before a new run, is in the ledger. */
  async #sample({ run, rowsPerSecond, etaSeconds }: ProgressSnapshot): Promise<void> {
    const now = performance.now();
    if (run !== null && run !== this.#sampledRun) {
      this.#sampledRun = run;
      this.#samples = new Samples();
      for (const { secondsAgo, ...past } of await pastRates(this.#input.pool, run, MOST / 2))
        this.#samples.add({ at: now - 1000 * secondsAgo, ...past });
    }
    if (rowsPerSecond !== null) this.#samples.add({ at: now, rowsPerSecond, etaSeconds });
  }

  async #read(): Promise<View> {
    const { pool, backfill } = this.#input;
    const snapshot = await progressSnapshot(pool, backfill);
    const quarantined = await listQuarantine(pool, backfill, LISTED_ROWS);
    const events = await listEvents(pool, backfill, LISTED_EVENTS);
    await this.#sample(snapshot);
    return { snapshot, quarantined, events, samples: this.#samples.points };
  }
}
