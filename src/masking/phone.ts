/**
 * Phone numbers. Numbers with their country code are checked by libphonenumber; of national ones only those are taken
 * that nothing else looks like: formatted North American numbers, and numbers behind a word such as "Tel.".
 */

// The smallest tables: the shape of each country's numbers is in them, only kinds of numbers (mobile, fixed) are not.
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { wholeMatches, type Span } from './span.ts';

/** + or 00, then what can be a number; bounded, as no number is longer. */
const INTERNATIONAL =
  /(?:(?<![\p{L}\d+])(?:\(\+|[+\uff0b])|(?<![\p{L}\d+.,:/-])00[ -]?)\(?[1-9](?:[ \u00a0\u202f().\-\u2010\u2011\u2013/]{0,3}\d){6,18}/gu;
/** (212) 555-0123, 212-555-0123, 212.555.0123, 1-212-555-0123, +1 555 555 0123. */
const NORTH_AMERICAN =
  /(?<![\p{L}\d]|\d[-./]|[\p{L}\d][/_=])(?:\+?1[-. ]?)?(?:\([2-9]\d{2}\)[ \u00a0]?|[2-9]\d{2}([-.\u2010\u2011])|(?<=\+1[-. ]?)[2-9]\d{2} ?)[2-9]\d{2}[-.\u2010\u2011 ]\d{4}(?![\p{L}\d]|[-./]\d)/gu;
const NATIONAL = /(?<![\p{L}\d.+]|\d[-/])\(?\d(?:[ \u00a0().\-\u2010\u2011\u2013/]{0,2}\d){6,14}(?!\d)/gu;

/** Seven digits close together: texts without them, which are most, are not looked at any further. */
const ENOUGH_DIGITS = /\d(?:[ \u00a0\u202f().\-\u2010\u2011\u2013/]{0,3}\d){6}/;

/**
 * Right in front of a number, by the languages of those who write it. No bare "call" and "cell": both stand before
 * counts as well, as do "mobil" and its like; with a colon or a dot behind them they do not.
 */
const LABEL = new RegExp(
  `(?<!\\p{L})(?:${[
    '(?:tel(?:ephone|[eé]fono|efon[eo]?|efoon)?|phone|ph|mobile|mob|cell ?phone|cellular|(?:tele)?fax|hotline|handy|whatsapp|sms',
    'm[oó]vil|t[eé]l[eé]phone|t[eé]l|rufnummer|tlf|tfn|puh|puhelin|gsm|natel|viber',
    '(?:telefon|handy|mobil|mobiltelefon|fax|ruf)-?(?:nummer|nr)|(?:call|text|dial|reach|ring)(?: me| us| him| her)? (?:at|on)',
    '(?:phone|mobile|cell|contact|fax|telephone|tel) ?(?:no|nr|number|num|#))(?: ?(?:no|nr|number|num|#))?[.:]{0,2}(?: is)?',
    '(?:mobil(?:e|telefon|funk|tel)?|cell?|cel(?:ular|lulare)?|c[eé]l|portable|port|fon|f[aá]x|m[oó]bil|mob|direct|dir|office|home|work|kontakt|contact)(?:[.]:?|:)',
  ].join('|')})[ \\t\\u00a0]{0,3}[:=]?[ \\t\\u00a0]{0,3}$`,
  'iu',
);
/** In front of a number that begins as one is dialled. */
const LABEL_OF_DIALLED = /(?<!\p{L})(?:mobil|cell|cel|fon|portable|kontakt|contact|call)[ \t\u00a0]{1,3}$/iu;
const LOOK_BEHIND = 32;

const DATE = /^(?:\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2\d{4})$/;
const EXTENSION = /^,?[ \u00a0]{0,2}(?:ext(?:ension|n)?\.?|x|durchwahl|poste)[ .:]{0,2}\d{1,6}(?!\d)/iu;

export function findPhones(text: string): Span[] {
  if (!ENOUGH_DIGITS.test(text)) return [];
  const spans = [...findInternational(text), ...wholeMatches(text, NORTH_AMERICAN), ...findLabelled(text)];
  for (const span of spans) {
    const extension = EXTENSION.exec(text.slice(span.end, span.end + 24));
    if (extension !== null) span.end += extension[0].length;
  }
  return spans;
}

function findInternational(text: string): Span[] {
  const spans: Span[] = [];
  for (const found of text.matchAll(INTERNATIONAL)) {
    // A parenthesis around the whole number stays.
    const skipped = found[0].startsWith('(') && !found[0].includes(')') ? 1 : 0;
    const start = found.index + skipped;
    const after = text.charAt(found.index + found[0].length);
    const length = validLength(found[0].slice(skipped), /[\p{L}\d]/u.test(after));
    if (length > 0) spans.push({ start, end: start + length });
  }
  return spans;
}

/** A year or a second number behind a phone number is no part of it: whole groups are taken off, so many times. */
const MAX_TRIES = 4;

function validLength(candidate: string, cut: boolean): number {
  let value = candidate;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if ((tries > 0 || !cut) && isPhone(value)) return value.length;
    const shorter = /^(.*\d)\D+\d+$/s.exec(value)?.[1];
    if (shorter === undefined) return 0;
    value = shorter;
  }
  return 0;
}

function isPhone(value: string): boolean {
  const digits = value.replaceAll(/\D/g, '').replace(/^00/, '');
  // Cheap, and the library is not: 15 digits at most by E.164, and a (0) that is not dialled.
  if (digits.length < 7 || digits.length > 16) return false;
  const dialled = `+${value.replace(/^(?:\(?[+\uff0b]|00)/, '').replace('(0)', '')}`;
  return parsePhoneNumberFromString(dialled, { extract: false })?.isValid() === true;
}

function findLabelled(text: string): Span[] {
  const spans: Span[] = [];
  for (const found of text.matchAll(NATIONAL)) {
    if (DATE.test(found[0])) continue;
    const before = text.slice(Math.max(0, found.index - LOOK_BEHIND), found.index);
    if (LABEL.test(before) || (/^\(?0/.test(found[0]) && LABEL_OF_DIALLED.test(before)))
      spans.push({ start: found.index, end: found.index + found[0].length });
  }
  return spans;
}
