/** US social security numbers, as they are written: AAA-GG-SSSS, also with dots or blanks. */

import { wholeMatches, type Span } from './span.ts';

/** Areas 000, 666 and 900 to 999, group 00 and serial 0000 were never given out. */
const SSN =
  /(?<![\p{L}\d_]|[\d.]-|\d\.|-|\d[ \u00a0\u202f])(?!000|666|9)\d{3}([-\u2010\u2011\u2012\u2013.\u00a0\u202f ])(?!00)\d{2}\1(?!0000)\d{4}(?![\p{L}\d_]|[-\u2010\u2011.\u00a0\u202f ]\d)/gu;

/** Without anything between, behind its name only. */
const NAMED =
  /(?<![\p{L}\d])(?:SSN|social[ -]security(?:[ -](?:number|no\.?|#))?)(?: ?(?:number|no\.?|#))?[ \t]{0,2}[:=#]?(?: is)?[ \t]{0,2}((?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4})(?![\p{L}\d_]|[-.]\d)/giu;

export const findSsns = (text: string): Span[] => [
  ...wholeMatches(text, SSN),
  ...Array.from(text.matchAll(NAMED), (found) => {
    const end = found.index + found[0].length;
    return { start: end - (found[1]?.length ?? 0), end };
  }),
];
