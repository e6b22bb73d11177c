/**
 * Where the vectors of a generation live: in a column of the legacy table, or in a table beside it with a row for each passage
 * of a text. Whoever reads, writes or indexes vectors asks here (and `stored-vectors.ts`), and not which of the two it is.
 */

import { createHash } from 'node:crypto';
import type { Settings } from '../config/settings.ts';
import { derivedName, quoteQualified, type QualifiedName } from '../db/identifiers.ts';

export type StoreKind = Settings['store'];

export interface Store {
  kind: StoreKind;
  /** Real schema and name, unquoted, of the table that has the vectors and their index. */
  schema: string;
  name: string;
  /** Quoted schema.table of it. */
  table: string;
  isPartitioned: boolean;
  /** Unquoted name of its vector column. */
  column: string;
}

/** Of a table beside the legacy table. */
export const VECTOR_COLUMN = 'embedding';

/** Its columns besides those of the key; a legacy key of such a name would stand there twice. */
export const BESIDE_COLUMNS = [
  VECTOR_COLUMN,
  'chunk',
  'chunk_start',
  'chunk_end',
  'chunk_hash',
  'text_hash',
  'embedded_at',
] as const;

export const columnStore = (
  { schema, name, isPartitioned }: Pick<Store, 'schema' | 'name' | 'isPartitioned'>,
  column: string,
): Store => ({
  kind: 'column',
  schema,
  name,
  table: quoteQualified({ schema, name }),
  isPartitioned,
  column,
});

export const tableStore = (schema: string, name: string): Store => ({
  kind: 'table',
  schema,
  name,
  table: quoteQualified({ schema, name }),
  isPartitioned: false,
  column: VECTOR_COLUMN,
});

/** @param beside where a table beside is, or will be */
export const storeOf = (
  { store, column }: Pick<Settings, 'store' | 'column'>,
  legacy: Pick<Store, 'schema' | 'name' | 'isPartitioned'>,
  beside: QualifiedName,
): Store =>
  store === 'table' ? tableStore(beside.schema ?? legacy.schema, beside.name) : columnStore(legacy, column);

/** Hexadecimal digits that tell tables of one name apart. */
const HASH_DIGITS = 8;

/** `<table>_<column>` beside the legacy table: a second backfill of it, and each generation, has a column of its own. */
export const besideTableName = (schema: string | null, table: string, column: string): QualifiedName => ({
  schema,
  name: derivedName(`${table}_${column}`, ''),
});

/** The one that it gets where another backfill has that: of table a and column b_c, and of a_b and c, the names are one. */
export function otherBesideTableName(schema: string | null, table: string, column: string): QualifiedName {
  const hash = createHash('sha256').update(`${table}\n${column}`).digest('hex').slice(0, HASH_DIGITS);
  return { schema, name: derivedName(`${table}_${column}`, `_${hash}`) };
}
