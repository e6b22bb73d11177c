/** US social security numbers, as they are written: AAA-GG-SSSS. */

import { wholeMatches, type Span } from './span.ts';

/** Areas 000, 666 and 900 to 999, group 00 and serial 0000 were never given out. */
const SSN =
  /(?<![\p{L}\d_]|[\d.]-|\d\.|-)(?!000|666|9)\d{3}([-\u2010\u2011])(?!00)\d{2}\1(?!0000)\d{4}(?![\p{L}\d_]|[-\u2010\u2011.]\d)/gu;

export const findSsns = (text: string): Span[] => wholeMatches(text, SSN);
