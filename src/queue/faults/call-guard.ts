/**
 * The calls that BullMQ makes of its backend, so that none waits without end, none is made again at the speed of a core, and
 * what they fail by is said in words.
 *
 * A server that falls silent, a cluster's client that waits for a node that is gone, a primary that has become a replica:
 * the call would wait for ever, and with it the role. After its limit it fails, and the next one has a new connection.
 */

import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { TransientError } from '../../errors.ts';
import { queueFault } from './queue-fault.ts';
import { FETCH_CALLS } from '../worker-loop.ts';
import { isAboutLostJob } from '../jobs/lost-jobs.ts';
import type { SeenOutage } from './outage.ts';
import { queueErrorOf } from './command-refused.ts';
import type { Transport } from '../transport.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/** Exponential, with jitter: a server that is there again must not meet all workers at once. */
export const pauseMs = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);

/** BullMQ makes one that has failed again at once. */
const MADE_AGAIN: ReadonlySet<string> = new Set(FETCH_CALLS);
/**
 * What a worker owes the queue. Given up, a job that is done would be taken for failed, or be done again once its lock has run
 * out; so the worker says it until it is heard.
 */
const REPORTS: ReadonlySet<string> = new Set([
  'moveToCompleted',
  'moveToFailed',
  'moveToDelayed',
  'moveJobFromActiveToWait',
  'retryJob',
  'updateJobSchedulerNextMillis',
]);
/** Of the connection rather than by it; `waitUntilReady` waits for a server for as long as it takes. */
const NO_CALLS: ReadonlySet<string> = new Set([
  'close',
  'disconnect',
  'disconnectBlocking',
  'waitUntilReady',
  'setName',
  'readEvents',
]);
/** A producer's call that a server refuses which is about to be another one, a primary or ready. */
const MOVING: ReadonlySet<string> = new Set(['read-only', 'cluster-down', 'loading']);
const MAX_TRIES = 4;

type Call = (...parameters: unknown[]) => Promise<unknown>;
interface Ready {
  waitUntilReady(): Promise<void>;
}

/** A queue server that does not do what was asked of it, in words; the driver's own error is the cause. */
export class QueueError extends TransientError {}

/** A call of the finalizer that the queue does not take now: the ledger knows that it is owed, and workers compare the two. */
export function reconciledLater(error: unknown): void {
  if (!(error instanceof QueueError)) throw error;
}

export interface GuardOptions {
  /** Of the queue. */
  name: string;
  url: string;
  outage: SeenOutage;
  transport: Transport;
  /** Longest wait for an answer besides what the call waits for itself, ms; null for none. */
  limitMs: number | null;
}

export class CallGuard {
  readonly #options: GuardOptions;
  readonly #over = new AbortController();

  constructor(options: GuardOptions) {
    this.#options = options;
    setMaxListeners(0, this.#over.signal);
  }

  /** Nothing is tried again from now on. */
  end(): void {
    this.#over.abort();
  }

  guardWorker<T extends object>(backend: T): T {
    let failures = 0;
    return withCalls(backend, (name, call) => {
      if (MADE_AGAIN.has(name))
        return async (...parameters) => {
          try {
            const found = await this.#limited(backend, name, call, parameters);
            // A queue in PostgreSQL gives its connection its name by this alone, by which others see that there is a worker.
            if (failures > 0) (backend as unknown as Ready).waitUntilReady().catch(() => {});
            failures = 0;
            return found;
          } catch (error) {
            if (!this.#isOver()) await this.#pause(++failures);
            throw error;
          }
        };
      if (name === 'moveStalledJobsToWait')
        return (...parameters) =>
          this.#limited(backend, name, call, parameters).catch((error: unknown) => {
            if (queueFault(this.#options.url, error).kind === 'other') throw error;
            // Said already; it comes again by itself, without BullMQ's own pause before that.
            return [];
          });
      if (!REPORTS.has(name)) return (...parameters) => this.#limited(backend, name, call, parameters);
      return async (...parameters) => {
        for (let tries = 1; ; tries++) {
          try {
            return await this.#limited(backend, name, call, parameters);
          } catch (error) {
            if (this.#isOver() || queueFault(this.#options.url, error).kind === 'other') throw error;
            await this.#pause(tries);
          }
        }
      };
    });
  }

  /** @throws QueueError of what is asked of the queue, where the server refuses or does not answer */
  guardQueue<T extends object>(backend: T): T {
    const { url, limitMs } = this.#options;
    return withCalls(backend, (name, call) => async (...parameters) => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.#limited(backend, name, call, parameters, true);
        } catch (error) {
          const fault = queueFault(url, error);
          if (fault.kind === 'other') throw error;
          if (limitMs === null || this.#isOver() || tries === MAX_TRIES || !MOVING.has(fault.kind))
            throw new QueueError(...queueErrorOf(url, error));
        }
        await this.#pause(tries);
      }
    });
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  async #pause(failures: number): Promise<void> {
    await delay(pauseMs(failures), undefined, { signal: this.#over.signal }).catch(() => {});
  }

  /** @param isQueues it ends with the queue: BullMQ never answers what is asked of one in PostgreSQL that is closed */
  async #limited(
    backend: object,
    name: string,
    call: Call,
    parameters: unknown[],
    isQueues = false,
  ): Promise<unknown> {
    const { name: queue, outage } = this.#options;
    try {
      const answer = await this.#answer(backend, name, call, parameters, isQueues);
      outage.worked(queue, name);
      return answer;
    } catch (error) {
      // The server has answered: whoever speaks of the job tells of it.
      if (isAboutLostJob(error)) throw error;
      // Not called again where all goes well.
      const lasting = name === 'reconnectBlocking' ? undefined : name;
      if (!this.#isOver()) outage.saw(queue, error, lasting);
      throw error;
    }
  }

  async #answer(
    backend: object,
    name: string,
    call: Call,
    parameters: unknown[],
    isQueues: boolean,
  ): Promise<unknown> {
    const { limitMs, transport } = this.#options;
    if (limitMs === null) return call(...parameters);
    // It waits for a job for so many seconds itself.
    const [own] = name === 'waitForJob' ? parameters : [];
    const limit = limitMs + (typeof own === 'number' ? own * 1000 : 0);
    const began = transport.connectionOf(backend, name);
    const answered = call(...parameters);
    // It may fail when nobody waits for it any more.
    answered.catch(() => {});
    const done = new AbortController();
    const ended = new Promise<never>((_, reject) => {
      const end = (): void => reject(new Error('Connection is closed.'));
      if (!isQueues) return;
      if (this.#isOver()) end();
      else this.#over.signal.addEventListener('abort', end, { once: true, signal: done.signal });
    });
    ended.catch(() => {});
    try {
      for (;;) {
        const late = Symbol();
        const timer = delay(limit, late, { signal: done.signal, ref: false }).catch(() => late);
        const first = await Promise.race([answered, timer, ended]);
        if (first !== late) return first;
        // While the driver tries to reach a server that is away, it waits, and says so by itself.
        if (transport.renew(backend, name, began))
          throw new Error(`no answer in ${Math.round(limit / 1000)} s`);
      }
    } finally {
      done.abort();
    }
  }
}

/** What BullMQ's classes see of their backend. Its calls of itself are not replaced: a fault would count for each of them. */
function withCalls<T extends object>(backend: T, replace: (name: string, call: Call) => Call): T {
  const seen = new Map<string | symbol, unknown>();
  return new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const known = seen.get(name);
      if (known !== undefined) return known;
      const call = (value as Call).bind(target);
      const isCall = value instanceof AsyncFunction && typeof name === 'string' && !NO_CALLS.has(name);
      seen.set(name, isCall ? replace(name, call) : call);
      return seen.get(name);
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

const AsyncFunction = (async () => {}).constructor as new () => Call;
