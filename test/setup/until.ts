/** Waits for a condition that has a name, by looking: no test sleeps. */

import { setTimeout as delay } from 'node:timers/promises';
import { measured } from './measure.ts';

const LOOK_MS = 50;

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
    try {
      for (;;) {
        const found = await look();
        if (found !== false && found !== null && found !== undefined) return found;
        await delay(LOOK_MS);
      }
    } finally {
      waitingFor.delete(condition);
    }
  });

const waitingFor = new Set<string>();
/** Conditions that nobody has met yet: why a test does not end. */
export const stillWaitingFor = (): string[] => [...waitingFor];
