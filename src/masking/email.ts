/** E-mail addresses: found by their @, then widened to both sides, so that each character is looked at twice at most. */

import { isWordAt, type Span } from './span.ts';

/** Of a local part besides letters and digits. `/`, `=`, `|` and `?` are legal too, but stand in URLs and key=value far more often. */
const LOCAL_PUNCTUATION = "._%+-'!#$&*^`~";
/** Legal at the beginning of a local part, and usually what the writer put around it instead. */
const LEADING_PUNCTUATION = ".-'!#$&*^`~%";

const MAX_QUOTED = 64;
/** `{ann,bob,cid}@example.org`, as groups of authors write their addresses. */
const MAX_GROUP = 300;

/** A name of the last label: letters, not a number of a version; ASCII letters end where another script begins. */
const TOP_LEVEL = /^(?:xn--[a-z0-9-]{2,59}|[a-z]{2,63}|[^ -~]{2,63})/i;
/** react@18.0.0-next.beta is a version, hits@10.The a sentence without its blank; 163.com is a domain. */
const NUMBER_DOMAIN = /^\d+\.\d|^\d+\.\p{Lu}\p{Ll}/u;

/** Also full width, small, and as URLs write it. */
const AT = /[@\uff20\ufe6b]|%40/g;
/** Of a domain, as IDNA reads them. */
const DOTS = '.\u3002\uff0e\uff61';

export function findEmails(text: string): Span[] {
  const spans: Span[] = [];
  let floor = 0;
  for (const { index: at, 0: sign } of text.matchAll(AT)) {
    const end = domainEnd(text, at + sign.length);
    if (end === null) continue;
    const start = localStart(text, at, floor);
    if (start === at) continue;
    spans.push({ start, end });
    floor = end;
  }
  return spans;
}

function localStart(text: string, at: number, floor: number): number {
  const last = text[at - 1];
  if (last === '"') return enclosed(text, at, '"', MAX_QUOTED, floor);
  if (last === '}') return enclosed(text, at, '{', MAX_GROUP, floor);
  let start = at;
  while (start > floor && (isWordAt(text, start - 1) || LOCAL_PUNCTUATION.includes(text.charAt(start - 1))))
    start--;
  while (start < at && LEADING_PUNCTUATION.includes(text.charAt(start))) start++;
  return start;
}

function enclosed(text: string, at: number, opener: string, max: number, floor: number): number {
  const from = Math.max(floor, at - max);
  const opening = text.slice(from, at - 1).lastIndexOf(opener);
  return opening === -1 || text.slice(from + opening, at).includes('\n') ? at : from + opening;
}

/** Where the domain behind an @ ends; null where there is none. */
function domainEnd(text: string, from: number): number | null {
  if (text[from] === '[') {
    const literal = /^\[(?:IPv6:)?[0-9a-f.:]{3,45}\]/i.exec(text.slice(from, from + 64));
    return literal === null ? null : from + literal[0].length;
  }
  let end = from;
  let lastDot = -1;
  for (; ; end++) {
    if (isWordAt(text, end)) continue;
    const character = text[end];
    // Dots and dashes stand between words only, or they end the sentence.
    const isDot = character !== undefined && DOTS.includes(character);
    if ((!isDot && character !== '-' && character !== '_') || end === from) break;
    if (isDot ? !isWordAt(text, end + 1) : !continuesLabel(text, end)) break;
    if (isDot) lastDot = end;
  }
  if (lastDot === -1 || NUMBER_DOMAIN.test(text.slice(from, from + 16))) return null;
  const top = TOP_LEVEL.exec(text.slice(lastDot + 1, end));
  if (top !== null) return lastDot + 1 + top[0].length;
  // mail@example.com.2 (a footnote behind the stop): the labels in front of it are a domain by themselves.
  const before = /^[^.]+(?:\.[^.]+)*?\.[a-z]{2,24}(?=\.\d)/i.exec(
    text.slice(from, Math.min(end, from + 255)),
  );
  return before === null ? null : from + before[0].length;
}

/** Several dashes in one label, as of xn--. An underscore is none of a host's, but of names that stand in DNS all the same. */
function continuesLabel(text: string, at: number): boolean {
  return isWordAt(text, at + 1) || (text[at + 1] === '-' && isWordAt(text, at + 2));
}
