/** What the queues of a process wait for: said once a cause, then counted and said at growing intervals. Loops look again and again, and the log is for people. */

import { messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { QueueAddress } from '../address.ts';
import { causeOf, queueFault, type QueueFault } from './queue-fault.ts';
import { SharedResource } from '../shared-resource.ts';

/** Between two lines on one cause; doubles with each. */
const FIRST_AGAIN_MS = 60_000;
const LONGEST_AGAIN_MS = 600_000;
/** What workers call is called again by then, whether it succeeds or not; a producer may have given it up. */
const FORGOTTEN_MS = 90_000;
/** Causes that are remembered at a time: an 'other' one may have any words. */
const MAX_CAUSES = 100;

/** A fault that goes on, for whoever has to say what is waited for. */
export interface QueueOutage extends QueueFault {
  /** Of the queue that met it first. */
  queue: string;
  since: Date;
  /** How often it was met. */
  times: number;
}

interface Cause {
  outage: QueueOutage;
  /** Met since all went well the last time. */
  isOn: boolean;
  /** A line has told of it since then. */
  isTold: boolean;
  again: number;
  pause: number;
}

export class Outage {
  readonly #logger: Logger;
  readonly #url: string;
  readonly #now: () => number;
  readonly #causes = new Map<string, Cause>();
  /** Calls that have failed, and not succeeded again, and when. */
  readonly #failing = new Map<string, number>();

  constructor(logger: Logger, url: string, now = (): number => performance.now()) {
    this.#logger = logger;
    this.#url = url;
    this.#now = now;
  }

  /** @param call of BullMQ's backend; absent where the error is of a connection @param logger for what is the queue's own */
  saw(queue: string, error: unknown, call?: string, logger = this.#logger): void {
    const fault = queueFault(this.#url, error);
    // An error of BullMQ's own is the answer of a server that does its work.
    if (call !== undefined && fault.kind !== 'other') this.#failing.set(`${queue} ${call}`, this.#now());
    const key = causeOf(fault);
    const cause = this.#causes.get(key) ?? this.#begin(key, queue, fault);
    if (!cause.isOn) {
      cause.isOn = true;
      cause.isTold = false;
      cause.outage = { ...fault, queue, since: new Date(), times: 0 };
    }
    cause.outage.times++;
    const now = this.#now();
    if (now < cause.again) return;
    cause.again = now + cause.pause;
    cause.pause = Math.min(LONGEST_AGAIN_MS, cause.pause * 2);
    this.#say(cause, error, logger);
  }

  /** The call has succeeded. Over is what no call fails by any more. */
  worked(queue: string, call: string): void {
    this.#failing.delete(`${queue} ${call}`);
    for (const [failing, at] of this.#failing)
      if (at < this.#now() - FORGOTTEN_MS) this.#failing.delete(failing);
    if (this.#failing.size > 0) return;
    for (const cause of this.#causes.values()) {
      const { isOn, isTold, outage } = cause;
      cause.isOn = false;
      if (!isOn || !isTold || outage.kind === 'other') continue;
      const seconds = Math.round((Date.now() - outage.since.getTime()) / 1000);
      this.#logger.info(
        { queueName: outage.queue, cause: outage.kind, times: outage.times, seconds },
        'queue connection: the server is there again',
      );
    }
  }

  /** The one that goes on for longest; null where all goes well. */
  current(): QueueOutage | null {
    const going = [...this.#causes.values()].filter(({ isOn, outage }) => isOn && outage.kind !== 'other');
    return going.toSorted((a, b) => a.outage.since.getTime() - b.outage.since.getTime())[0]?.outage ?? null;
  }

  #begin(key: string, queue: string, fault: QueueFault): Cause {
    if (this.#causes.size >= MAX_CAUSES) this.#causes.clear();
    const outage = { ...fault, queue, since: new Date(), times: 0 };
    const cause = { outage, isOn: true, isTold: false, again: this.#now(), pause: FIRST_AGAIN_MS };
    this.#causes.set(key, cause);
    return cause;
  }

  #say(cause: Cause, error: unknown, logger: Logger): void {
    const { queue: queueName, kind, why, remedy, times } = cause.outage;
    cause.isTold = true;
    const facts = { queueName, cause: kind, times, err: messageOf(error) };
    if (kind === 'other') logger.warn(facts, 'queue: an error of its own');
    else
      this.#logger.warn(
        { ...facts, ...(remedy === null ? {} : { remedy }) },
        `queue connection: ${why}: waiting for the server, and trying again`,
      );
  }
}

export type SeenOutage = Pick<Outage, 'saw' | 'worked'>;

/** One for all queues and workers of a process: they have one server, and its faults in common. */
const outages = new SharedResource(
  ({ logger, url }: Pick<QueueAddress, 'logger' | 'url'>) => new Outage(logger, url),
);

export function shareOutage(address: QueueAddress): { outage: SeenOutage; release: () => void } {
  const { value, release } = outages.take(address.server ?? address);
  const outage: SeenOutage = {
    saw: (queue, error, call) => value.saw(queue, error, call, address.logger),
    worked: (queue, call) => value.worked(queue, call),
  };
  return { outage, release };
}

/** What the queues of this process wait for at the moment, in words and since when; null where all goes well. */
export const queueOutage = (address: QueueAddress): QueueOutage | null =>
  outages.get(address.server ?? address)?.current() ?? null;
