/** What is known of types by their names in pg_type. */

/** Bytes of the binary form; of a type that is not here they vary. An enum's is its label. */
export const FIXED_WIDTHS: ReadonlyMap<string, number> = new Map([
  ['int2', 2],
  ['int4', 4],
  ['int8', 8],
  ['uuid', 16],
  ['date', 4],
  ['timestamp', 8],
  ['timestamptz', 8],
]);

/** Of these two texts of one value are the same text; of numeric (1.0 and 1.00), citext or char(n) they need not be. */
export const CANONICAL_TEXT: ReadonlySet<string> = new Set([
  ...FIXED_WIDTHS.keys(),
  'text',
  'varchar',
  'bytea',
]);

/** Their text depends on what cannot be set for us: the locale of money, names of objects on a search path. */
export const UNSTABLE_TEXT = /^(money|reg[a-z]+)$/;
