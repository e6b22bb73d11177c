/** The one place that turns names into SQL. Values never come this way: they are parameters. */

import { nameFault } from '../config/values/name.ts';
import { ConfigError } from '../errors.ts';

export { cutTo, derivedName, prefixedName } from '../config/values/derived-name.ts';

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
