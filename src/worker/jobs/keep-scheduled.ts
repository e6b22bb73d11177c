import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { WorkerContext } from '../context.ts';

/** A scheduler that was lost with its Redis is back after this time; what decides whether there is to be one is looked at as often. */
const SCHEDULE_MS = 60_000;

/** Until `stop`. @param look sets the scheduler, or takes it away @param warn told of each look that failed */
export async function keepScheduled(
  { times }: Pick<WorkerContext, 'times'>,
  stop: AbortSignal,
  look: () => Promise<void>,
  warn: (err: string) => void,
): Promise<void> {
  while (!stop.aborted) {
    try {
      await look();
    } catch (error) {
      if (!stop.aborted) warn(messageOf(error));
    }
    await delay(times.scheduleMs ?? SCHEDULE_MS, undefined, { signal: stop }).catch(() => {});
  }
}
