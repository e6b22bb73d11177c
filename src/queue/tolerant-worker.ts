import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker, type Job, type JobJson } from 'bullmq';
import { cut, type CutClient } from './cut.ts';
import type { JobData } from './jobs.ts';
import type { Loop } from './loop.ts';
import type { Transport } from './transport.ts';

/** No job is in flight any more. */
const IDLE = 'idle';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/** The calls by which a worker looks for jobs, without end. */
const LOOKS = ['moveToActive', 'waitForJob'] as const;
type Look = (...parameters: unknown[]) => Promise<unknown>;

export interface CallListener {
  onFailed(call: string, error: unknown): void;
  onWorked(call: string): void;
}

/** For the last word on jobs that have ended, where the server is away: the ledger has what they did. */
const AWAY_MS = 500;

/**
 * BullMQ's worker, for servers and data that are not as they should be.
 *
 * A look for jobs that fails by anything but a refused connection would be made again at once, without end: a server that
 * has no connection left, or takes a right away, would cost a whole core, and a signal would find nobody to hear it.
 *
 * A job whose data is no JSON would throw where BullMQ fetches it: not failed but stalled, and fetched again and again for
 * minutes. With null in its place it reaches the processor, which refuses it like any other data that is not a job's.
 */
export class TolerantWorker extends Worker<JobData, unknown> {
  /** Called by the constructor of the class above: nothing of this one is there yet. */
  protected override createBackend(): void {
    super.createBackend();
    (this.opts as { loop?: Loop }).loop?.watch(this.backend);
    const backend = this.backend as unknown as Record<(typeof LOOKS)[number], Look> & {
      waitUntilReady(): Promise<void>;
    };
    const over = new AbortController();
    this.once('closing', () => over.abort());
    let failures = 0;
    for (const name of LOOKS) {
      const look = backend[name].bind(backend);
      backend[name] = async (...parameters) => {
        try {
          const found = await look(...parameters);
          this.listener?.onWorked(name);
          if (failures > 0) {
            failures = 0;
            // Its connection gets its name by this alone, by which others see that there is a worker.
            backend.waitUntilReady().catch(() => {});
          }
          return found;
        } catch (error) {
          if (over.signal.aborted) throw error;
          this.listener?.onFailed(name, error);
          failures++;
          await delay(pauseMs(failures), undefined, { signal: over.signal }).catch(() => {});
          throw error;
        }
      };
    }
  }

  listener: CallListener | undefined;
  transport: Transport | undefined;
  /** For the last word on jobs that have ended, where the server is there, ms. */
  farewellMs = 0;
  /** Jobs whose processor has not ended. */
  #busy = 0;
  readonly #jobs = new EventEmitter();

  protected override async callProcessJob(
    ...given: Parameters<Worker<JobData, unknown>['callProcessJob']>
  ): Promise<unknown> {
    this.#busy++;
    try {
      return await super.callProcessJob(...given);
    } finally {
      this.#busy--;
      if (this.#busy === 0) this.#jobs.emit(IDLE);
    }
  }

  #ended: Promise<void> | undefined;

  /**
   * Jobs in flight end first. From then on it takes a bounded time, whatever the server does: one that is away, silent,
   * refusing or not reached yet is not waited for to hear of them, as the ledger has what they did.
   */
  override close(force = false): Promise<void> {
    return (this.#ended ??= this.#end(force));
  }

  async #end(force: boolean): Promise<void> {
    const over = new AbortController();
    const closed = super.close(force).finally(() => over.abort());
    const isOver = (): boolean => over.signal.aborted;
    const pass = (ms: number): Promise<void> => delay(ms, undefined, { signal: over.signal }).catch(() => {});
    do {
      // A look that was under way may have taken a job meanwhile.
      while (this.#busy > 0 && !isOver())
        await once(this.#jobs, IDLE, { signal: over.signal }).catch(() => {});
      if (!isOver()) await pass(this.transport?.isAway() === true ? AWAY_MS : this.farewellMs);
      if (isOver()) return closed;
    } while (this.#busy > 0);
    this.#cutOff();
    await pass(AWAY_MS);
    // What BullMQ did not come to, as it waits still.
    await this.lockManager.close();
    const { stalledCheckStopper } = this as unknown as { stalledCheckStopper?: () => void };
    stalledCheckStopper?.();
  }

  /** BullMQ waits for a last word of its connections, which some states of them never say. */
  #cutOff(): void {
    this.transport?.giveUp();
    const { blockingConnection, connection } = this.backend as unknown as Record<
      string,
      { _client?: CutClient }
    >;
    for (const held of [blockingConnection, connection])
      if (held?._client !== undefined) cut(held._client, true);
  }

  protected override createJob(data: JobJson, jobId: string): Job<JobData, unknown> {
    try {
      return super.createJob(data, jobId);
    } catch {
      return super.createJob({ ...data, data: 'null' }, jobId);
    }
  }
}

/** Exponential, with jitter: a server that is there again must not meet all workers at once. */
export const pauseMs = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
