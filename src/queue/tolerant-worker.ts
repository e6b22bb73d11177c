import { setTimeout as delay } from 'node:timers/promises';
import { Worker, type Job, type JobJson } from 'bullmq';
import type { JobData } from './jobs.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/** The calls by which a worker looks for jobs, without end. */
const LOOKS = ['moveToActive', 'waitForJob'] as const;
type Look = (...parameters: unknown[]) => Promise<unknown>;

export interface LookListener {
  /** A look has failed: the worker looks again after a pause. */
  onFailedLook(error: unknown): void;
  /** The first look that succeeds behind one that failed. */
  onFoundAgain(): void;
}

/** One whose commands wait for it while it is away, for as long as that takes. */
export interface QueueServer {
  isAway(): boolean;
  /** What waits for it fails from now on. */
  giveUp(): void;
}

/** As ioredis has it. */
interface Client {
  status: string;
  connect(): Promise<void>;
  disconnect(): void;
}

/** Between two looks whether a worker that is being closed waits for a server that is away, ms. */
const LEAVE_MS = 500;

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
          if (failures > 0) {
            failures = 0;
            this.listener?.onFoundAgain();
            // Its connection gets its name by this alone, by which others see that there is a worker.
            backend.waitUntilReady().catch(() => {});
          }
          return found;
        } catch (error) {
          if (over.signal.aborted) throw error;
          this.listener?.onFailedLook(error);
          failures++;
          await delay(pauseMs(failures), undefined, { signal: over.signal }).catch(() => {});
          throw error;
        }
      };
    }
  }

  listener: LookListener | undefined;
  server: QueueServer | undefined;
  /** Jobs whose processor has not ended. */
  #busy = 0;

  protected override async callProcessJob(
    ...given: Parameters<Worker<JobData, unknown>['callProcessJob']>
  ): Promise<unknown> {
    this.#busy++;
    try {
      return await super.callProcessJob(...given);
    } finally {
      this.#busy--;
    }
  }

  /** Jobs in flight end first. The ledger has what they did, so a server that is away is not waited for to hear of it. */
  override async close(force = false): Promise<void> {
    const over = new AbortController();
    const closed = super.close(force).finally(() => over.abort());
    while (!over.signal.aborted) {
      await delay(LEAVE_MS, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) break;
      if (this.#busy === 0 && this.server?.isAway() === true) this.server.giveUp();
      await this.#endBlockingClient();
    }
    await closed;
  }

  /**
   * BullMQ disconnects the client that waits for jobs, and waits for its end. Between two tries to reach its server, ioredis
   * then makes no further one, and never says that it has ended: by one more it does.
   */
  async #endBlockingClient(): Promise<void> {
    const { blockingConnection } = this.backend as unknown as {
      blockingConnection?: { client: Promise<Client> };
    };
    const client = await blockingConnection?.client.catch(() => null);
    if (client?.status !== 'reconnecting') return;
    await client.connect().then(
      () => client.disconnect(),
      () => {},
    );
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
