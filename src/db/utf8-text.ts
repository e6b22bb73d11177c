/**
 * Words on their way to the ledger: reasons, events, what a check has found. The operator's database may be in an encoding
 * that lacks characters of ours, or of a message from elsewhere, and would refuse the statement that writes them. Whatever
 * writes such words hands them over as bytes, by `words` or `jsonWords`, for `wordsSql` to read.
 */

/** In every encoding of PostgreSQL's, so that a message of ours reads the same everywhere. */
const PLAIN: Record<string, string> = {
  '−': '-',
  '–': '-',
  '—': '-',
  '→': '->',
  '…': '...',
  '“': '"',
  '”': '"',
  '„': '"',
  '‘': "'",
  '’': "'",
  '≥': '>=',
  '≤': '<=',
};
const SIGNS = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'gu');

/** No text of PostgreSQL's holds the character 0, nor half a pair of UTF-16. */
const plain = (text: string): string =>
  text.replaceAll(/\0|\p{Surrogate}/gu, '').replaceAll(SIGNS, (sign) => PLAIN[sign] ?? sign);

/** For a place whose encoding nobody knows. */
export const asciiWords = (text: string): string => plain(text).replaceAll(/\P{ASCII}/gu, '?');

export const words = (text: string): Buffer => Buffer.from(plain(text));

/** Of its strings; null stays null. */
export const jsonWords = (value: unknown): Buffer =>
  Buffer.from(
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'string' ? plain(each) : each)),
  );

/** @param parameter placeholder of what `words` gives */
export const wordsSql = (parameter: string): string => `pgvector_backfill.words(${parameter}::bytea)`;
/** @param parameter placeholder of what `jsonWords` gives */
export const jsonWordsSql = (parameter: string): string => `${wordsSql(parameter)}::jsonb`;
