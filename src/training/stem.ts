/**
 * Words that differ in their ending only (brake, brakes, braking, braked) share one vector. The tokenizer knows whole
 * words, so without this each form would have to be learnt by itself, which few tables have text enough for. English
 * endings; in other languages they hit little, and a wrong hit costs no more than one unlucky pair.
 */

/** Shorter words are left alone: too many of them differ by their last letter. */
const SHORTEST = 4;
/** Letters that must remain before an ending is taken off. */
const SHORTEST_STEM = 3;

const PLURAL = /(?<![suai])s$/;
const ENDING = /(?:ing|ed|e)$/;
/** `stopped` → `stop`, but `pulled` → `pul` as well as `pull` → `pul`: what counts is that forms meet. */
const DOUBLED = /([bdgklmnprt])\1$/;

/** The name of a word's family: not a word, only equal for words that belong together. */
export function stemOf(word: string): string {
  if (word.length < SHORTEST) return word;
  const singular = word.replace(/ies$/, 'y').replace(PLURAL, '');
  const stem = singular.replace(ENDING, '');
  // One vowel at least, or `string` and `strings` would lose their `ing`.
  const cut = stem.length >= SHORTEST_STEM && /[aeiouy]/.test(stem) ? stem : singular;
  return cut.length > SHORTEST_STEM ? cut.replace(DOUBLED, '$1') : cut;
}
