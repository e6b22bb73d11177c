import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker, type Job, type JobJson } from 'bullmq';
import type { CallGuard } from './faults/call-guard.ts';
import { disconnect, type DisconnectableClient } from './redis/disconnect.ts';
import type { JobData } from './jobs/payloads.ts';
import type { WorkerLoop } from './worker-loop.ts';
import type { Transport } from './transport.ts';

/** No job is in flight any more. */
const IDLE = 'idle';

/** For the last word on jobs that have ended, where the server is away: the ledger has what they did. */
const AWAY_MS = 500;

/**
 * BullMQ's worker, for servers and data that are not as they should be.
 *
 * Its calls are guarded (`CallGuard`): a server that has no connection left, or takes a right away, would cost a whole core,
 * and one that is silent would be waited for without end.
 *
 * A job whose data is no JSON would throw where BullMQ fetches it: not failed but stalled, and fetched again and again for
 * minutes. With null in its place it reaches the processor, which refuses it like any other data that is not a job's.
 */
export class TolerantWorker extends Worker<JobData, unknown> {
  /** Called by the constructor of the class above: nothing of this one is there yet. */
  protected override createBackend(): void {
    super.createBackend();
    const { guard, loop } = this.opts as unknown as { guard: CallGuard; loop?: WorkerLoop };
    loop?.watch(this.backend);
    this.backend = guard.guardWorker(this.backend);
    this.once('closing', () => guard.end());
  }

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
      { _client?: DisconnectableClient }
    >;
    for (const held of [blockingConnection, connection])
      if (held?._client !== undefined) disconnect(held._client, true);
  }

  protected override createJob(data: JobJson, jobId: string): Job<JobData, unknown> {
    try {
      return super.createJob(data, jobId);
    } catch {
      return super.createJob({ ...data, data: 'null' }, jobId);
    }
  }
}
