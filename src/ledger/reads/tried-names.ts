/** By which names the two searches of a trial are told of. */

import { isTrialMode, type ReadChoice } from './read-mode.ts';

/** Of what one generation has counted: it was tried beside the legacy search, or beside the generation that was live. */
export function triedNames(
  { mode, generation, base }: ReadChoice,
  own: number,
): { base: string; own: string; isTried: boolean } {
  const isTried = isTrialMode(mode) && generation === own;
  const beside = generation === own ? base.generation : null;
  return beside === null
    ? { base: 'legacy', own: 'vector', isTried }
    : { base: `generation ${beside}`, own: `generation ${own}`, isTried };
}
