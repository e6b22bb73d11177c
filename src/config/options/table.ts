/** The legacy table: which rows and texts, and where their vectors go. */

import { z } from 'zod';
import { columnName } from '../values/column-name.ts';
import { option, parseNames, parseText } from '../option.ts';

export const table = {
  table: option({
    schema: z.string().min(1),
    help: 'Legacy table as schema.table, with names quoted as in SQL',
  }),
  key: option({
    schema: z
      .union([columnName, z.array(columnName).min(1).max(8)])
      .transform((key) => (Array.isArray(key) && key.length === 1 ? (key[0] as string) : key))
      .optional(),
    parse: parseNames,
    help: 'Column or columns of a unique index, none of them null, in the order of the index; if not set, the primary key, else the narrowest such index; on the command line a or a,b',
  }),
  text: option({
    schema: z.union([z.array(columnName).min(1), z.strictObject({ sql: z.string().min(1) })]) as z.ZodType<
      string[] | { sql: string }
    >,
    parse: parseText,
    help: 'Text to embed: columns, joined by a line break, or { "sql": expression }; on the command line a,b or sql:…',
  }),
  where: option({
    schema: z.string().min(1).optional(),
    help: 'SQL condition for the rows to embed (eligible rows); if not set, all rows',
  }),
  store: option({
    schema: z.enum(['column', 'table']),
    fallback: 'column' as const,
    help: 'Where vectors live: column, a column of the legacy table, or table, a table beside it, named after the table and the option column, so that the legacy table is never written to',
  }),
  column: option({
    schema: columnName,
    fallback: 'embedding',
    help: 'Vector column; added if it does not exist',
  }),
  columnType: option({
    schema: z.enum(['vector', 'halfvec']),
    fallback: 'vector' as const,
    help: 'Type of the vector column: vector, or halfvec with half the bytes and about three decimal places (pgvector 0.7.0)',
  }),
  updatedAtColumn: option({
    schema: columnName,
    help: 'Column for the time of the last embedding; added if it does not exist. If not set, the name of column and _updated_at',
  }),
  metric: option({
    schema: z.enum(['cosine', 'l2', 'ip']),
    fallback: 'cosine' as const,
    help: 'Distance of the index and of searches: cosine, l2 or ip (inner product)',
  }),
};
