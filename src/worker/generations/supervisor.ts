/** The generations of a worker process: each that is present has services of its own; one that comes gets them, one that goes loses them. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/load.ts';
import { parseGenerationName } from '../../config/values/generation-name.ts';
import type { Pool } from '../../db/pool.ts';
import { allGenerations } from '../../ledger/generation/generation.ts';
import type { Logger } from '../../observability/logger.ts';
import { withTimeLimit } from '../../time-limit.ts';
import { firstFault } from '../service.ts';
import type { WorkerTimes } from '../times.ts';
import { quietWhenGone } from './quiet-logger.ts';
import { servedGenerations, servesAs, type ServedGeneration } from './served.ts';
import { UnopenedGenerations } from './unopened.ts';

/** Between two looks at which generations there are. */
const LOOK_MS = 3000;
/** For a last word to a database that may be away. */
const LEAVE_MS = 2000;

/** Services of one generation. */
export interface GenerationServices {
  fault(): Promise<string | null>;
  /** Lets batches in flight end, within the configured time. @returns false where they did not. */
  drain(): Promise<boolean>;
}

export interface SupervisorInput {
  pool: Pool;
  config: Config;
  logger: Logger;
  times: WorkerTimes;
  start(served: ServedGeneration, logger: Logger): Promise<GenerationServices>;
}

export class Supervisor {
  readonly #input: SupervisorInput;
  readonly #running = new Map<string, { served: ServedGeneration; services: GenerationServices }>();
  readonly #unopened: UnopenedGenerations;
  readonly #stop = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  readonly #ending = new Set<string>();
  /** At the last look. */
  #wanted = 1;

  constructor(input: SupervisorInput) {
    this.#input = input;
    this.#unopened = new UnopenedGenerations(input.pool, input.logger, input.times.generationsMs);
  }

  /** @throws what kept the first one from being started, where none could be */
  async begin(): Promise<void> {
    const { pool, config } = this.#input;
    const failures: { name: string; error: unknown }[] = [];
    const wanted = await servedGenerations(pool, config);
    this.#wanted = wanted.length;
    for (const served of wanted)
      await this.#start(served).catch((error: unknown) =>
        failures.push({ name: served.config.backfill, error }),
      );
    const [first] = failures;
    if (first !== undefined && this.#running.size === 0) throw first.error;
    for (const { name, error } of failures) await this.#unopened.failed(name, error);
    this.#looking = this.#keepLooking();
  }

  fault(): Promise<string | null> {
    return firstFault(
      [...this.#running.values()].map(({ services }) => ({
        fault: () => services.fault(),
        stop: () => Promise.resolve(),
      })),
    );
  }

  /** @returns false where batches of one did not end within the time */
  async drain(): Promise<boolean> {
    this.#stop.abort();
    const limitMs = this.#input.config.settings.worker.drainSeconds * 1000;
    const looked = withTimeLimit(
      limitMs,
      this.#looking.then(() => true),
      () => false,
    );
    const drained = await Promise.all(
      [...this.#running.values()].map(({ services }) => services.drain()).concat(looked),
    );
    await withTimeLimit(LEAVE_MS, this.#unopened.leave(), () => {});
    return drained.every((each) => each);
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#stop;
    const ms = this.#input.times.generationsMs ?? LOOK_MS;
    while (!signal.aborted) {
      await delay(ms, undefined, { signal }).catch(() => {});
      // The database is away: its other users say so.
      if (!signal.aborted) await this.#look().catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const { pool, config } = this.#input;
    const wanted = await servedGenerations(pool, config);
    for (const [name, running] of this.#running) {
      const now = wanted.find((each) => each.config.backfill === name);
      if (now === undefined) await this.#end(name, 'generation is gone: its services have ended');
      else if (!servesAs(running.served, now))
        await this.#end(name, 'generation has other options now: its services are started again');
      else running.served = now;
    }
    this.#wanted = wanted.length;
    for (const served of wanted) await this.#startWhenDue(served);
    this.#unopened.keepOnly(wanted.map((each) => each.config.backfill));
    await this.#unopened.report();
  }

  async #startWhenDue(served: ServedGeneration): Promise<void> {
    const name = served.config.backfill;
    if (this.#running.has(name) || this.#stop.signal.aborted || !this.#unopened.isDue(name)) return;
    try {
      await this.#start(served);
      this.#unopened.opened(name);
      this.#input.logger.info(parseGenerationName(name), 'generation is served');
    } catch (error) {
      await this.#unopened.failed(name, error);
    }
  }

  async #start(served: ServedGeneration): Promise<void> {
    const { logger } = this.#input;
    const name = served.config.backfill;
    const mayGo = (): boolean => this.#wanted > 1 || this.#ending.has(name);
    const quiet = quietWhenGone(logger, () => (mayGo() ? this.#isGone(name) : null));
    const services = await this.#input.start(served, quiet);
    // Shut down while its model was opened.
    if (this.#stop.signal.aborted) await services.drain();
    else this.#running.set(name, { served, services });
  }

  async #end(name: string, why: string): Promise<void> {
    const { logger } = this.#input;
    const ending = this.#running.get(name);
    this.#running.delete(name);
    this.#ending.add(name);
    const drained = await ending?.services.drain();
    this.#ending.delete(name);
    logger.info({ ...parseGenerationName(name), drained }, why);
  }

  async #isGone(name: string): Promise<boolean> {
    const all = await allGenerations(this.#input.pool, name);
    return all.length > 0 && all.find((each) => each.name === name)?.isDropped !== false;
  }
}
