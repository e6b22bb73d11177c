/**
 * The time of the queue's server. BullMQ takes that of its own machine: for schedules and back-off on any server, for locks
 * too where PostgreSQL carries the jobs. One worker a day ahead puts everybody's next sync a day off, tries failed batches
 * again at once, and takes batches away from workers that are at them.
 */

import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose time `Date.now` tells: that of BullMQ's code and of the jobs it runs. */
const context = new AsyncLocalStorage<QueueClock | null>();
const ofMachine = Date.now.bind(Date);
let isPatched = false;

/** BullMQ has no option for a clock and asks `Date.now` in forty places. For anybody else it stays what it was. */
function patch(): void {
  if (isPatched) return;
  isPatched = true;
  Date.now = () => context.getStore()?.now() ?? ofMachine();
}

/** Between two measures it goes by the monotonic clock, so that one that is set meanwhile changes nothing. */
export class QueueClock {
  readonly #wall: () => number;
  /** Added to the monotonic clock it is the server's time; null before the first measure. */
  #base: number | null = null;

  constructor(wall: () => number = ofMachine) {
    this.#wall = () => context.run(null, wall);
    patch();
  }

  /** Milliseconds since 1970, whole. */
  now(): number {
    return this.#base === null ? this.#wall() : Math.round(performance.now() + this.#base);
  }

  /** How far this machine's clock is ahead of the server's, or behind it where negative; null before the first measure. */
  get aheadSeconds(): number | null {
    return this.#base === null ? null : (this.#wall() - this.now()) / 1000;
  }

  /** What a slow answer alone could explain is taken for no difference. */
  async measure(ask: () => Promise<number>): Promise<void> {
    const sent = performance.now();
    const server = await ask();
    const received = performance.now();
    const base = server - (sent + received) / 2;
    if (this.#base === null || Math.abs(base - this.#base) > (received - sent) / 2) this.#base = base;
  }

  /** Whatever `work` starts, timers and loops too, goes by this clock. */
  run<T>(work: () => T): T {
    return context.run(this, work);
  }
}

/** In the time of a server, where it is known. */
export const withServerClock = <T>(clock: QueueClock | undefined, work: () => T): T =>
  clock === undefined ? work() : clock.run(work);

/** The calls by which a queue writes times. */
const WRITES = ['add', 'addBulk', 'upsertJobScheduler'] as const;

const clocks = new WeakMap<object, QueueClock>();

/** The present time of a queue's server, ms since 1970; this machine's where that was not asked for. */
export const queueNow = (queue: object): number => clocks.get(queue)?.now() ?? Date.now();

export function setQueueClock(queue: object, clock: QueueClock | undefined): void {
  if (clock === undefined) return;
  clocks.set(queue, clock);
  const calls = queue as Record<(typeof WRITES)[number], (...given: unknown[]) => unknown>;
  for (const name of WRITES) {
    const call = calls[name].bind(queue);
    calls[name] = (...given) => clock.run(() => call(...given));
  }
}
