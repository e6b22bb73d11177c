/** Numbers of payment cards: 13 to 19 digits in groups, of a known issuer, with a right check digit. */

import { BLANKS, DASHES, continuesAfter, continuesBefore, isDigitAt, type Span } from './span.ts';

const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/** First digits from … to, and the lengths that go with them. Issuers of wide, vague ranges are left out: one number in ten passes Luhn. */
const ISSUERS: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [4, 4, [13, 16, 19]], // Visa
  [51, 55, [16]], // Mastercard
  [2221, 2720, [16]],
  [34, 34, [15]], // American Express
  [37, 37, [15]],
  [300, 305, [14, 16]], // Diners Club
  [309, 309, [14, 16]],
  [36, 36, [14, 16, 19]],
  [38, 39, [14, 16]],
  [6011, 6011, [16, 19]], // Discover
  [644, 649, [16, 19]],
  [65, 65, [16, 19]],
  [3528, 3589, [16, 17, 18, 19]], // JCB
  [62, 62, [16, 17, 18, 19]], // UnionPay
  [81, 81, [16, 17, 18, 19]],
  [5018, 5018, [13, 14, 15, 16, 17, 18, 19]], // Maestro
  [5020, 5020, [13, 14, 15, 16, 17, 18, 19]],
  [5038, 5038, [13, 14, 15, 16, 17, 18, 19]],
  [5893, 5893, [13, 14, 15, 16, 17, 18, 19]],
  [6304, 6304, [13, 14, 15, 16, 17, 18, 19]],
  [6759, 6763, [13, 14, 15, 16, 17, 18, 19]],
  [2200, 2204, [16, 17, 18, 19]], // Mir
  [60, 60, [16]], // RuPay
  [82, 82, [16]],
  [508, 508, [16]],
  [9792, 9792, [16]], // Troy
];

/** Without a condition at its end: a run is taken whole, so that no part of it is read a second time. */
const RUN = new RegExp(`(?<![\\p{L}\\d])\\d(?:[${BLANKS}./_${DASHES}]{0,3}\\d){12,}`, 'gu');
/** Between groups that may be of any size: one of those that have always been written. */
const PLAIN_GAP = /^[ \u00a0\u202f\u2010\u2011-]$/;

export function findCards(text: string): Span[] {
  const spans: Span[] = [];
  RUN.lastIndex = 0;
  for (let found = RUN.exec(text); found !== null; found = RUN.exec(text))
    spans.push(...cardsOfRun(text, found.index, found.index + found[0].length));
  return spans;
}

/** A card may have its check number or another card behind it in the same run: windows of whole groups are tried. */
function cardsOfRun(text: string, start: number, end: number): Span[] {
  const groups = groupsOf(text, start, end);
  const first = continuesBefore(text, start) ? 1 : 0;
  const past = groups.length - (continuesAfter(text, end) ? 1 : 0);
  const spans: Span[] = [];
  for (let from = first; from < past; from++) {
    const to = endOfCard(text, groups, from, past);
    if (to === null) continue;
    spans.push({ start: groups[from]?.start ?? start, end: groups[to - 1]?.end ?? end });
    from = to - 1;
  }
  return spans;
}

function groupsOf(text: string, start: number, end: number): Span[] {
  const groups: Span[] = [];
  for (let at = start; at < end; at++) {
    if (!isDigitAt(text, at)) continue;
    const from = at;
    while (at < end && isDigitAt(text, at)) at++;
    groups.push({ start: from, end: at });
  }
  return groups;
}

/** The longest card that begins with group `from`: the index behind its last group. */
function endOfCard(text: string, groups: readonly Span[], from: number, past: number): number | null {
  let digits = '';
  const sizes: number[] = [];
  const gaps: string[] = [];
  let best: number | null = null;
  for (let to = from; to < past; to++) {
    const group = groups[to];
    if (group === undefined || digits.length + group.end - group.start > MAX_DIGITS) break;
    if (to > from) gaps.push(text.slice(groups[to - 1]?.end, group.start));
    digits += text.slice(group.start, group.end);
    sizes.push(group.end - group.start);
    const whole = from === 0 && to === groups.length - 1;
    if (isPrintedLike(sizes, gaps, whole) && !isFraction(text, groups, from, to) && isCard(digits))
      best = to + 1;
  }
  return best;
}

/** Groups as on cards; any of two digits and more where the run is nothing else. Rows of small numbers are none. */
function isPrintedLike(sizes: readonly number[], gaps: readonly string[], whole: boolean): boolean {
  if (sizes.length === 1) return true;
  const plain = gaps.every((gap) => PLAIN_GAP.test(gap));
  // Of the unusual gaps one kind all through: a date, an address and a count side by side have several.
  if (!plain && new Set(gaps).size > 1) return false;
  if (sizes.slice(0, -1).every((size) => size === 4) && (sizes.at(-1) ?? 0) <= 4) return true;
  if (sizes.length === 3 && sizes[0] === 4 && sizes[1] === 6) return true;
  return plain && whole && sizes.every((size) => size >= 2);
}

/** Digits behind or in front of a decimal point of the same run, which only groups as on cards are told from. */
const isFraction = (text: string, groups: readonly Span[], from: number, to: number): boolean =>
  from === to &&
  ((from > 0 && text.slice(groups[from - 1]?.end, groups[from]?.start) === '.') ||
    (to < groups.length - 1 && text.slice(groups[to]?.end, groups[to + 1]?.start) === '.'));

function isCard(digits: string): boolean {
  return (
    digits.length >= MIN_DIGITS &&
    ISSUERS.some(([from, to, lengths]) => {
      const head = Number(digits.slice(0, String(from).length));
      return head >= from && head <= to && lengths.includes(digits.length);
    }) &&
    passesLuhn(digits)
  );
}

/** @see https://en.wikipedia.org/wiki/Luhn_algorithm */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let back = 0; back < digits.length; back++) {
    const digit = digits.charCodeAt(digits.length - 1 - back) - 0x30;
    const doubled = back % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
