/** IP addresses, the shape by expression and the truth by node:net. */

import { isIP } from 'node:net';
import { continuesAfter, type Span } from './span.ts';

/** The tail has a bound that no address reaches: colons without end are read once. */
const V6 = /(?<![\p{L}\d_:.])(?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f:.]{1,60}(?:%[0-9A-Za-z_.-]{1,32})?/gu;
const V4 = /(?<![\p{L}\d_.])\d{1,3}(?:\.\d{1,3}){3}/gu;

/** What numbers of four parts are besides addresses. */
const NUMBERED =
  /(?:\b(?:v(?:er(?:sion)?)?|rev(?:ision)?|release|build|sec(?:tion)?|subsec(?:tion)?|chapter|chap|appendix|clause|paragraph|table|fig(?:ure)?|step|rule|firmware)s?\.?|§)\s?$/i;
const LOOK_BEHIND = 16;

export function findIps(text: string): Span[] {
  return [...findV6(text), ...findV4(text)];
}

function findV6(text: string): Span[] {
  const spans: Span[] = [];
  if (!/:[0-9A-Fa-f]{0,4}:/.test(text)) return spans;
  for (const found of text.matchAll(V6)) {
    let value = found[0];
    // The stop of the sentence, or the colon behind the address.
    if (!value.includes('%')) value = value.replace(/(?<!:):$|\.+$/, '');
    else value = value.replace(/[._-]+$/, '');
    const end = found.index + value.length;
    if (isIP(value) === 6 && isPlausibleV6(value) && !/[\p{L}\d_]/u.test(text.charAt(end)))
      spans.push({ start: found.index, end });
  }
  return spans;
}

/**
 * a::b and dead::beef are names of C++ and Perl as well, 1::2 is a place in a book. Addresses in use begin with a
 * group of at least two digits, or with :: , and have a decimal digit somewhere.
 */
function isPlausibleV6(value: string): boolean {
  if (!/\d/.test(value)) return false;
  if (!value.includes('::')) return true;
  const [first = '', ...others] = value.split(':').filter((group) => group !== '');
  if (value.startsWith('::')) return others.length > 0 || /^\d{1,4}(?:%|$)|\./.test(first);
  return first.length >= 3 || others.length >= 2;
}

function findV4(text: string): Span[] {
  const spans: Span[] = [];
  if (!/\d\.\d{1,3}\.\d/.test(text)) return spans;
  for (const found of text.matchAll(V4)) {
    const end = found.index + found[0].length;
    if (isIP(found[0]) !== 4 || continuesAfter(text, end) || /^[_-]\p{L}/u.test(text.slice(end, end + 3)))
      continue;
    if (NUMBERED.test(text.slice(Math.max(0, found.index - LOOK_BEHIND), found.index))) continue;
    spans.push({ start: found.index, end });
  }
  return spans;
}
