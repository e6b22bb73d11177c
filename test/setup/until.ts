/** Waits for a condition that has a name, by looking: no test sleeps. */

import { setTimeout as delay } from 'node:timers/promises';
import { measured } from './measure.ts';

/** A look costs the servers, whose time is the run's: long waits are looked at less often. */
const [MIN_LOOK_MS, MAX_LOOK_MS, OF_WAITED] = [25, 150, 0.1];

/**
 * Resolves with the first answer that is neither false nor null nor undefined. What never comes ends with the limit of the
 * test, which then says what it waited for.
 */
export const until = <T>(
  condition: string,
  look: () => Promise<T | false | null | undefined> | T | false | null | undefined,
): Promise<T> =>
  measured('condition', async () => {
    waitingFor.add(condition);
    const begun = performance.now();
    try {
      for (;;) {
        const found = await look();
        if (found !== false && found !== null && found !== undefined) return found;
        await delay(Math.min(Math.max((performance.now() - begun) * OF_WAITED, MIN_LOOK_MS), MAX_LOOK_MS));
      }
    } finally {
      waitingFor.delete(condition);
    }
  });

const waitingFor = new Set<string>();
/** Conditions that nobody has met yet: why a test does not end. */
export const stillWaitingFor = (): string[] => [...waitingFor];
