/** SQL over a row's text, as it is or as much of it as somebody reads. */

/** Characters that decide whether a text is empty. A regular expression takes four bytes of memory for each. */
const EMPTY_CHARACTERS = 1_000_000;
/** Nearly every text has a word in as many: to count off a million of them costs five times as much as the hash of a text. */
const FIRST_CHARACTERS = 8;

/**
 * Whether a text has nothing but white space. Only its beginning is looked at: no model reads as far, and a regular
 * expression over a text of more than 268 million characters fails.
 */
export const emptyTextSql = (text: string): string =>
  `(left(${text}, ${FIRST_CHARACTERS}) !~ '[^[:space:]]' AND left(${text}, ${EMPTY_CHARACTERS}) !~ '[^[:space:]]')`;

/** Whether a text has so few bytes that it needs no counting of characters: that goes through all of them. */
export const isShortSql = (text: string, characters: string): string =>
  `octet_length(${text}) <= ${characters}`;

/**
 * The limit as left() and length() count: where the server knows of no encoding (SQL_ASCII) they count bytes, of which
 * UTF-8 has up to four to a character. @param characters SQL of an integer
 */
export const lengthLimitSql = (characters: string): string =>
  `(${characters} * CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 4 ELSE 1 END)`;

/**
 * The beginning of a text: so many characters, or a few more where bytes are counted. There the cut may go through a
 * character, and what is left of that would be no text for any client: the last character goes away whole.
 * @param text SQL that may stand there several times @param characters SQL of an integer
 */
export function beginningSql(text: string, characters: string): string {
  const limit = lengthLimitSql(characters);
  return `CASE WHEN ${isShortSql(text, characters)} THEN ${text} WHEN getdatabaseencoding() = 'SQL_ASCII' AND length(${text}) > ${limit}
               THEN regexp_replace(left(${text}, ${limit}), E'[\\\\xC2-\\\\xF4][\\\\x80-\\\\xBF]*$', '') ELSE left(${text}, ${limit}) END`;
}
