/**
 * Words on their way to the ledger: reasons, events, what a check has found. The operator's database may be in an encoding
 * that lacks characters of ours, or of a message from elsewhere, and would refuse the statement that writes them. Whatever
 * writes such words hands them over as bytes, by `utf8` or `utf8Json`, for `utf8Sql` to read.
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
export const asciiText = (text: string): string => plain(text).replaceAll(/\P{ASCII}/gu, '?');

export const utf8 = (text: string): Buffer => Buffer.from(plain(text));

/** Of its strings; null stays null. */
export const utf8Json = (value: unknown): Buffer =>
  Buffer.from(
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'string' ? plain(each) : each)),
  );

/** @param parameter placeholder of what `utf8` gives */
export const utf8Sql = (parameter: string): string => `pgvector_backfill.words(${parameter}::bytea)`;
/** @param parameter placeholder of what `utf8Json` gives */
export const utf8JsonSql = (parameter: string): string => `${utf8Sql(parameter)}::jsonb`;
