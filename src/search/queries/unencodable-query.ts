/** Queries with a character that the database's encoding has not got: no row can hold it, and no statement take it. */

import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { GateError } from '../../errors.ts';

const BYTES = /(?:0x[\da-f]{2} ?)+/i;

/** The character of `text` that the server refused; null where it refused something else. Its words are of its language, its bytes are not. */
export function unencodableCharacter(error: unknown, text: string): string | null {
  if (!hasSqlState(error, SQLSTATE.untranslatable)) return null;
  const [bytes = ''] = BYTES.exec((error as Error).message) ?? [];
  const character = Buffer.from(bytes.replaceAll(/0x| /gi, ''), 'hex').toString();
  return character !== '' && text.includes(character) ? character : null;
}

export const QUERY_NOT_IN_ENCODING = 'QUERY_NOT_IN_ENCODING';

/** For searches that hand the text itself to the server. */
export function unencodableQuery(error: unknown, text: string): GateError | null {
  const character = unencodableCharacter(error, text);
  if (character === null) return null;
  const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return new GateError(
    `The query has a character (U+${point}) that the encoding of the database cannot hold, and so no row of it: the legacy search cannot be asked for it.`,
    {
      code: QUERY_NOT_IN_ENCODING,
      remedy: 'Ask without that character; vector and hybrid searches take the query as it is.',
      cause: error,
    },
  );
}
