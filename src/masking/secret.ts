/** Keys, tokens and passwords that say what they are: by a known prefix, or by the name in front of them. */

import { KNOWN_KEY, KNOWN_KEY_HINT } from './key-formats.ts';
import { wholeMatches, type Span } from './span.ts';

const BEARER = /\bBearer\s{1,4}(?=[A-Za-z._~+/-]{0,60}\d)([A-Za-z0-9._~+/-]{16,}={0,2})/gi;
const URL_PASSWORD = /:\/\/[^\s/:@?#]{0,64}:([^\s/@]{1,128})@/g;

export function findSecrets(text: string): Span[] {
  return [
    ...(KNOWN_KEY_HINT.test(text) ? wholeMatches(text, KNOWN_KEY) : []),
    ...(text.includes('earer ') || text.includes('EARER ') ? lastGroups(text, BEARER, 0) : []),
    ...(text.includes('://') ? lastGroups(text, URL_PASSWORD, 1) : []),
    ...(text.includes('PRIVATE KEY') ? findPrivateKeys(text) : []),
  ];
}

/** The first group of each match, which ends `tail` characters before the match does. */
function lastGroups(text: string, pattern: RegExp, tail: number): Span[] {
  return Array.from(text.matchAll(pattern), (found) => {
    const end = found.index + found[0].length - tail;
    return { start: end - (found[1]?.length ?? 0), end };
  });
}

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

/** A block that was cut off before its end is masked to the end of the text: what follows is more likely key than not. */
function findPrivateKeys(text: string): Span[] {
  const spans: Span[] = [];
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin !== null; begin = BEGIN.exec(text)) {
    END.lastIndex = BEGIN.lastIndex;
    const end = END.exec(text);
    spans.push({ start: begin.index, end: end === null ? text.length : end.index + end[0].length });
    if (end === null) break;
    BEGIN.lastIndex = END.lastIndex;
  }
  return spans;
}
