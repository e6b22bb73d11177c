/** Clock, waiting and chance of the remote embedder in one place, so that a test needs no real waiting. */

import { setTimeout as delay } from 'node:timers/promises';

export interface Timing {
  /** Milliseconds since 1970: servers may name the end of a wait as a date. */
  now(): number;
  /** Rejects where the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** 0 to 1, as Math.random. */
  random(): number;
}

export const REAL_TIMING: Timing = {
  now: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  random: () => Math.random(),
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
/** Full jitter may say zero; a server that refuses everything must not be asked in a tight loop. */
const SHORTEST_WAIT_MS = 100;

/** Exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), ms. */
export function backoffMs(attempt: number, timing: Timing): number {
  const max = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return Math.max(SHORTEST_WAIT_MS, timing.random() * max);
}

/** @throws the reason of the signal where it aborts, which says whether the caller or close() ended the waiting. */
export async function pause(timing: Timing, ms: number, signal: AbortSignal): Promise<void> {
  await timing.sleep(ms, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  signal.throwIfAborted();
}
