/** Which models a process has a use for: those that reads go by, and those that they will or may go back to. */

import { answeringGenerations } from '../../ledger/reads/read-mode.ts';
import { isReady, readStates, type GenerationState, type ReadState } from '../../ledger/reads/read-state.ts';
import type { Clock } from './ttl-cache.ts';

/** A model that no read has gone by for so long is closed, ms: whoever has rolled back may move over again soon. */
const KEPT_MS = 600_000;
/** The same of a generation that is gone: a search that is under way ends. */
const DROPPED_MS = 60_000;

export interface Use {
  names: ReadonlySet<string>;
  /** To be opened before they are needed, the most urgent first. */
  warm: GenerationState[];
}

export class ModelUse {
  readonly #clock: Clock;
  /** Reads have gone by them while this process looked. */
  readonly #hadReads = new Set<string>();
  readonly #unusedSince = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param hasOpened this process has answered by vectors, or got ready to: then it opens what comes as well */
  of(present: ReadState, hasOpened: boolean): Use {
    const inUse = readStates(present);
    for (const { name } of inUse) this.#hadReads.add(name);
    // One that reads have been moved away from is not got ready again; one that they are yet to be moved to is.
    const coming = present.generations.filter((each) => isReady(each) && !this.#hadReads.has(each.name));
    const names = new Set([...inUse, ...coming].map(({ name }) => name));
    const warms = hasOpened || answeringGenerations(present).length > 0;
    // Beside the legacy search the model is opened by the first search that wants it.
    const besides = present.base.generation === null ? [] : inUse;
    return { names, warm: warms ? [...besides, ...coming.toReversed()] : [] };
  }

  /** It was asked for a vector. */
  touch(name: string): void {
    this.#unusedSince.delete(name);
  }

  /** Of those that are open, the ones to close. */
  spare(present: ReadState, names: ReadonlySet<string>, open: Iterable<string>): string[] {
    if (!present.hasMore) return [];
    const now = this.#clock.now();
    return [...open].filter((name) => {
      if (names.has(name)) return void this.#unusedSince.delete(name);
      const since = this.#unusedSince.get(name) ?? now;
      this.#unusedSince.set(name, since);
      const isThere = present.generations.some((each) => each.name === name);
      return now - since >= (isThere ? KEPT_MS : DROPPED_MS);
    });
  }
}
