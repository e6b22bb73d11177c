/** Secrets by the name in front of them: `password=…`, `api_key: …`, `Authorization: Bearer …`. */

import type { Span } from './span.ts';

/** What follows is a secret, whatever it looks like. */
const STRONG =
  /(?:pass(?:word|wd|phrase|code)|pwd|passwort|contrase[nñ]a|mot de passe|(?:api|secret|private|encryption|signing|account|master)[ _-]?key|apikey|access[ _-]?key(?:[ _-]?id)?|(?:client|app|shared|api)[ _-]?secret|(?:access|auth|refresh|bearer|id|api|session|security)[ _-]?token|authtoken)["'`\]]{0,2}\s{0,3}$/i;
/** What follows may be a secret: these are ordinary words too. */
const WEAK = /(?:secret|token|credentials?|authorization)["'`\]]{0,2}\s{0,3}$/i;
const LOOK_BEHIND = 32;
const MIN_OF_KEY = 10;
/** Last letters of all names: most separators are settled by looking at one character. */
const NAME_END = /[adelnstyADELNSTY"'`\] \u00a0\u202f]/;

const OPENING = /(?:=>|:=|[=:]{1,2})[ \t]{0,4}(?:(?:Bearer|Basic|Digest|Token|ApiKey)[ \t]{1,4})?/iy;
const QUOTED = /"([^"\r\n]{1,256})"|'([^'\r\n]{1,256})'|`([^`\r\n]{1,256})`/y;
/** Bounded: where a value is refused, the search goes on right behind its separator. */
const BARE = /[^\s"'`,;&<>()[\]{}]{4,256}/y;
const REST = /[^\s"'`,;&<>()[\]{}]*/y;

/** Values that are no secrets but say that there is one, or none. */
const NO_VALUE =
  /^(?:null|nil|none|true|false|undefined|string|required|optional|yes|empty|hidden|redacted|changed|unknown|\*+|[x.•_-]+|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%)$/i;

export function findAssignments(text: string): Span[] {
  const spans: Span[] = [];
  for (let at = nextSeparator(text, 0); at !== -1; at = nextSeparator(text, at)) {
    const value = valueAt(text, at);
    if (value !== null) spans.push(value);
    at = value === null ? at + 1 : value.end;
  }
  return spans;
}

const SEPARATOR = /[=:]/g;
function nextSeparator(text: string, from: number): number {
  SEPARATOR.lastIndex = from;
  return SEPARATOR.exec(text)?.index ?? -1;
}

function valueAt(text: string, at: number): Span | null {
  if (at === 0 || !NAME_END.test(text.charAt(at - 1))) return null;
  const name = text.slice(Math.max(0, at - LOOK_BEHIND), at);
  const strong = STRONG.test(name);
  if (!strong && !WEAK.test(name)) return null;
  OPENING.lastIndex = at;
  const opening = OPENING.exec(text)?.[0] ?? '';
  const start = at + opening.length;
  QUOTED.lastIndex = start;
  const quoted = QUOTED.exec(text);
  if (quoted !== null) {
    const value = quoted[1] ?? quoted[2] ?? quoted[3] ?? '';
    const taken = strong ? !NO_VALUE.test(value) : looksLikeKey(value);
    return taken ? { start: start + 1, end: start + 1 + value.length } : null;
  }
  BARE.lastIndex = start;
  const bare = BARE.exec(text)?.[0];
  if (bare === undefined || NO_VALUE.test(bare.replace(/[.!?]+$/, ''))) return null;
  const assigned = opening.includes('=') || /[a-z]/i.test(opening);
  if (!(strong ? assigned || looksSecret(bare) || endsLine(text, start + bare.length) : looksLikeKey(bare)))
    return null;
  REST.lastIndex = start + bare.length;
  REST.exec(text);
  const end = REST.lastIndex;
  // The stop of a sentence is no part of a password, other marks may be.
  return { start, end: text[end - 1] === '.' ? end - 1 : end };
}

/** Digits and letters, or letters and marks, or capitals inside: no word of a sentence such as "password: the word that…". */
function looksSecret(value: string): boolean {
  const word = value.replace(/[.!?]+$/, '');
  if (word.length < 6 || /\s/.test(word)) return false;
  return (/\d/.test(word) && /[^\d.]/.test(word)) || /[a-z][A-Z]/.test(word) || /[$!#%^*+@~\\|]/.test(word);
}

/** Behind a word such as "token" more is asked for: word2vec and covid-19 are tokens of a text. */
const looksLikeKey = (value: string): boolean =>
  value.length >= MIN_OF_KEY && /\d.*\d/.test(value) && /[a-z]/i.test(value) && !/\s/.test(value);

/** A single word that the line ends with is a value; one of several is the beginning of a sentence. */
const endsLine = (text: string, at: number): boolean =>
  /^[.,;]?[ \t]{0,8}(?:\r?\n|$)/.test(text.slice(at, at + 12));
