/** How searches ask, and the search in use today. */

import { z } from 'zod';
import { option, parseJson } from '../option.ts';

/** A condition and the values of its placeholders $1, $2, …, which are never written into the SQL. */
const searchFilter = z
  .strictObject({
    name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,62}$/u, {
      message: "name must be 1 to 63 letters, digits, '.', '_' or '-'",
    }),
    where: z.string().min(1),
    values: z.array(z.union([z.string(), z.number(), z.boolean()])).default([]),
    legacySearch: z.string().min(1).optional(),
  })
  .refine(
    ({ where, values }) => {
      // One too many would be taken from the parameters behind them: the query's vector.
      const used = new Set([...where.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
      return (
        used.size === values.length && [...used].every((number) => number >= 1 && number <= values.length)
      );
    },
    { message: 'where must use the placeholders $1 to $n, one for each of values' },
  );
const searchFilters = z
  .array(searchFilter)
  .refine((filters) => new Set(filters.map(({ name }) => name)).size === filters.length, {
    message: 'each filter needs a name of its own',
  });

export const search = {
  filters: option({
    schema: searchFilters,
    parse: parseJson,
    fallback: [],
    help: 'Named conditions that a search may add to where: [{ "name": "german", "where": "lang = $1", "values": ["de"] }]; legacySearch in a filter is the legacy search with that condition ($3, $4, … are its values); on the command line as JSON',
  }),
  textConfig: option({
    schema: z.string().min(1),
    fallback: 'english',
    help: 'Text search configuration of the tsvector ranking that `verify` compares with; \\dF in psql lists them',
  }),
  tsvector: option({
    schema: z.string().min(1).optional(),
    help: 'SQL expression of the tsvector of a row, best one with a GIN index; if not set, to_tsvector(search.textConfig, text)',
  }),
};

export const legacy = {
  legacySearch: option({
    schema: z.string().min(1).optional(),
    help: 'SQL of the search in use today: $1 is the query text, $2 the number of rows, and the first column the key',
  }),
};
