/** The one place that turns names into SQL. Values never come this way: they are parameters. */

import { createHash } from 'node:crypto';
import { MAX_NAME_BYTES, nameFault } from '../config/values/name.ts';
import { ConfigError } from '../errors.ts';

/** Hexadecimal digits that tell shortened names apart. */
const HASH_DIGITS = 8;

export interface QualifiedName {
  /** Null where the search path decides. */
  schema: string | null;
  name: string;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteQualified(name: QualifiedName): string {
  return name.schema === null ? quoteName(name.name) : `${quoteName(name.schema)}.${quoteName(name.name)}`;
}

/** For the few statements that take no parameters (SET, DDL); assumes standard_conforming_strings. */
export function quoteLiteral(value: string): string {
  return value.includes('\\')
    ? `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${value.replaceAll("'", "''")}'`;
}

/**
 * `<table>_<column>_stage` and the like. Where that is too long, the front part is cut, by whole characters, and a hash of
 * all of it put in: two long names that begin alike would have the same staging table otherwise, and a name that has the
 * ending already would be its own.
 */
export const derivedName = (base: string, ending: string): string => boundedName('', base, ending);

/** `search_<table>` and the like, shortened in the same way. */
export const prefixedName = (beginning: string, base: string): string => boundedName(beginning, base, '');

function boundedName(beginning: string, base: string, ending: string): string {
  if (Buffer.byteLength(beginning + base + ending) <= MAX_NAME_BYTES) return beginning + base + ending;
  const hash = createHash('sha256').update(base).digest('hex').slice(0, HASH_DIGITS);
  const front = cutTo(base, MAX_NAME_BYTES - Buffer.byteLength(`${beginning}_${hash}${ending}`));
  return `${beginning}${front}_${hash}${ending}`;
}

/** The first whole characters that are at most so many bytes. */
export function cutTo(text: string, bytes: number): string {
  let front = '';
  for (const character of text) {
    if (Buffer.byteLength(front + character) > bytes) break;
    front += character;
  }
  return front;
}

/**
 * Reads `schema.table` as SQL would: of unquoted parts A to Z fold to lower case (other letters stay as they are in a
 * server encoding of several bytes), quoted parts stay as they are.
 * @throws ConfigError where the text is no name.
 */
export function parseQualified(text: string, option: string): QualifiedName {
  const parts: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s*(\.|$)/uy;
  let ended = false;
  while (!ended) {
    const match = pattern.exec(text);
    if (match === null) break;
    parts.push(match[1] === undefined ? foldCase(match[2] ?? '') : match[1].replaceAll('""', '"'));
    ended = match[3] === '';
  }
  const [first, second] = parts;
  const fault = parts.map(nameFault).find((each) => each !== null);
  if (!ended || first === undefined || parts.length > 2 || fault !== undefined) {
    throw new ConfigError(
      `${option}: ${JSON.stringify(text)} is no table name${fault === undefined ? '' : `: a part of it ${fault}`}.`,
      {
        code: 'NAME_INVALID',
        remedy:
          'Write table or schema.table, with double quotes around a name that has capitals, spaces or signs.',
      },
    );
  }
  return second === undefined ? { schema: null, name: first } : { schema: first, name: second };
}

const foldCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
