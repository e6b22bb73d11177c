/** A condition that a search puts on the table: the operator's SQL, its values always as parameters. */

import type { Settings } from '../config/settings.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { classify } from '../db/sqlstates.ts';

export type Filter = Settings['searchFilters'][number];

/** `AND (…)`, or nothing; its placeholders are the first ones of the query, as the operator has numbered them. */
export const filterSql = (filter: Filter | null): string => (filter === null ? '' : ` AND (${filter.where})`);

export const filterValues = (filter: Filter | null): unknown[] => [...(filter?.values ?? [])];

/** What a query with a filter threw, as the operator's to repair; a failure that may pass is left as it is. */
export function filterFault(error: unknown, filter: Filter | null): unknown {
  if (filter === null || error instanceof ConfigError || classify(error) === 'transient') return error;
  return new ConfigError(`The filter ${filter.name} does not run: ${messageOf(error)}.`, {
    code: 'FILTER_FAILED',
    remedy:
      'Correct search.filters (--search-filters, env BACKFILL_SEARCH_FILTERS): where is a condition over the columns of the table, with $1, $2, … for values.',
    cause: error,
  });
}
