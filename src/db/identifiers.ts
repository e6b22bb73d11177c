/** The one place that turns names into SQL. Values never come this way: they are parameters. */

import { ConfigError } from '../errors.ts';

/** PostgreSQL cuts longer names in silence, so that two of them could collide (NAMEDATALEN - 1, in bytes). */
const MAX_NAME_BYTES = 63;

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

/** `<table>_embedding_stage` and the like, shortened at the front part so that the ending survives. */
export function derivedName(base: string, ending: string): string {
  let front = base;
  while (Buffer.byteLength(front + ending) > MAX_NAME_BYTES) front = front.replace(/.$/su, '');
  return front + ending;
}

/** `search_<table>` and the like, shortened at the end. */
export function boundedName(beginning: string, base: string): string {
  let back = base;
  while (Buffer.byteLength(beginning + back) > MAX_NAME_BYTES) back = back.replace(/.$/su, '');
  return beginning + back;
}

/**
 * Reads `schema.table` as SQL would: unquoted parts fold to lower case, quoted ones stay as they are.
 * @throws ConfigError where the text is no name.
 */
export function parseQualified(text: string, option: string): QualifiedName {
  const parts: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s*(\.|$)/uy;
  let ended = false;
  while (!ended) {
    const match = pattern.exec(text);
    if (match === null) break;
    parts.push(match[1] === undefined ? (match[2] ?? '').toLowerCase() : match[1].replaceAll('""', '"'));
    ended = match[3] === '';
  }
  const [first, second] = parts;
  if (!ended || first === undefined || parts.length > 2) {
    throw new ConfigError(`${option}: ${JSON.stringify(text)} is no table name.`, {
      code: 'NAME_INVALID',
      remedy:
        'Write table or schema.table, with double quotes around a name that has capitals, spaces or signs.',
    });
  }
  return second === undefined ? { schema: null, name: first } : { schema: first, name: second };
}
