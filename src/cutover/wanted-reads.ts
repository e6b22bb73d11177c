/** What is typed, and where reads are → where they go, and what they are moved away from. */

import { readsVectors, type ReadBase, type ReadChoice } from '../ledger/reads/read-mode.ts';

/** Of the same generation, what answers besides or a rollback leads to stays; another one is tried beside the live one. */
export function wantedReads(
  from: ReadChoice,
  wanted: Pick<ReadChoice, 'mode' | 'percent'>,
  generation: number,
): ReadChoice {
  return { ...wanted, generation, base: baseFor(from, generation) };
}

function baseFor({ mode, generation, base }: ReadChoice, wanted: number): ReadBase {
  if (generation === null || generation === wanted || !readsVectors({ mode })) return base;
  return mode === 'hybrid' ? { mode, generation } : { mode: 'vector', generation };
}
