/**
 * Long strings that look random: keys without a name. A digest or a commit of 32 digits and more is masked as
 * well: it cannot be told from a key, and says nothing to a model. Short commits are not, nor are uuids, which are
 * names of records far more often than secrets.
 */

import type { Span } from './span.ts';

const HEX = /(?<![A-Za-z0-9])(?:0x)?[0-9A-Fa-f]{32,}(?![A-Za-z0-9])/g;
const FEWEST = 24;

/** Of neighbouring characters, how many change between capital, small letter and digit: about 0.6 in random ones, below 0.3 in names made of words. */
const MIN_CHANGES = 0.4;

const CAPITAL = 1;
const SMALL = 2;
const DIGIT = 3;
const MARK = 4;

/** Kind of each character that base64, base64url and hexadecimal strings are made of; 0 for others. */
const KINDS = new Uint8Array(128);
for (let code = 0; code < KINDS.length; code++) {
  const character = String.fromCharCode(code);
  if (/[A-Z]/.test(character)) KINDS[code] = CAPITAL;
  else if (/[a-z]/.test(character)) KINDS[code] = SMALL;
  else if (/\d/.test(character)) KINDS[code] = DIGIT;
  else if ('+/_-'.includes(character)) KINDS[code] = MARK;
}

const kindAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at);
  return code < KINDS.length ? (KINDS[code] ?? 0) : 0;
};

export function findOpaqueTokens(text: string): Span[] {
  const spans: Span[] = [];
  let start = 0;
  while (start + FEWEST <= text.length) {
    // From the last character that a token of the least length would have: in prose most of a text is stepped over.
    let at = start + FEWEST - 1;
    while (at >= start && kindAt(text, at) !== 0) at--;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    let end = start + FEWEST;
    while (kindAt(text, end) !== 0) end++;
    for (const span of spansOf(text.slice(start, end), start)) spans.push(span);
    start = end + 1;
  }
  return spans;
}

/** A token, or what is secret of it: in a path or URL only some steps are. */
function spansOf(token: string, offset: number): Span[] {
  const spans: Span[] = [];
  for (const found of token.matchAll(HEX)) {
    if (/\d/.test(found[0]) && /[a-f]/i.test(found[0].replace(/^0x/, '')))
      spans.push({ start: offset + found.index, end: offset + found.index + found[0].length });
  }
  const steps = token.split('/');
  if (isDrawnByLot(token)) {
    // Words at both ends are a path around the token; base64 has slashes of its own, with anything but words between.
    const first = steps.findIndex((step) => !isWord(step));
    const last = steps.findLastIndex((step) => !isWord(step));
    const start = offset + lengthOf(steps.slice(0, first));
    spans.push({ start, end: offset + lengthOf(steps.slice(0, last + 1)) - 1 });
    return spans;
  }
  for (let start = offset, at = 0; at < steps.length; at++) {
    const step = steps[at] ?? '';
    if (isDrawnByLot(step)) spans.push({ start, end: start + step.length });
    start += step.length + 1;
  }
  return spans;
}

const isWord = (step: string): boolean => /^(?:[A-Z]?[a-z_-]*|[A-Z]+)$/.test(step);
/** Of steps with the slash behind each. */
const lengthOf = (steps: readonly string[]): number => steps.reduce((sum, step) => sum + step.length + 1, 0);

function isDrawnByLot(token: string): boolean {
  if (token.length < FEWEST || !/[a-z]/.test(token) || !/[A-Z]/.test(token)) return false;
  if (!/\d\D+\d/.test(token)) return false;
  let pairs = 0;
  let changes = 0;
  for (let at = 1; at < token.length; at++) {
    const kind = kindAt(token, at);
    const before = kindAt(token, at - 1);
    // Marks stand between the words of a path or a name too.
    if (kind === MARK || before === MARK) continue;
    pairs++;
    if (kind !== before) changes++;
  }
  return changes / Math.max(pairs, 1) >= MIN_CHANGES;
}
