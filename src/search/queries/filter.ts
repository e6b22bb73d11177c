/** A condition that a search puts on the table: the operator's SQL, its values always as parameters. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { classify } from '../../db/sqlstates.ts';

/** What an application may give for a placeholder; the driver hands it over as a parameter. */
export type FilterValue = string | number | boolean | bigint | Date | null;

export interface Filter extends Omit<Settings['search']['filters'][number], 'values'> {
  values: readonly FilterValue[];
}

/** A filter of the configuration by its name, with the search's own values where there are any. */
export interface FilterChoice {
  name: string;
  /** For $1, $2, … of its condition; those of the configuration where absent. */
  values?: readonly FilterValue[];
}

/** @throws ConfigError where there is no such filter, or it has another number of values. */
export function chooseFilter(
  filters: Settings['search']['filters'],
  wanted: string | FilterChoice | undefined,
): Filter | null {
  if (wanted === undefined) return null;
  const { name, values } = typeof wanted === 'string' ? { name: wanted, values: undefined } : wanted;
  const filter = filters.find((each) => each.name === name);
  if (filter === undefined)
    throw new ConfigError(`There is no filter ${JSON.stringify(name)}.`, {
      code: 'FILTER_UNKNOWN',
      remedy: `Declare it in ${optionName('search.filters')}; there are: ${filters.map((each) => each.name).join(', ') || 'none'}.`,
    });
  if (values !== undefined && values.length !== filter.values.length)
    throw new ConfigError(
      `Filter ${name} takes ${filter.values.length} values, the search gives ${values.length}.`,
      { code: 'FILTER_VALUES', remedy: 'Give one for each placeholder of its condition, in their order.' },
    );
  return { ...filter, values: values ?? filter.values };
}

/** `AND (…)`, or nothing; its placeholders are the first ones of the query, as the operator has numbered them. */
export const filterSql = (filter: Filter | null): string => (filter === null ? '' : ` AND (${filter.where})`);

export const filterValues = (filter: Filter | null): unknown[] => [...(filter?.values ?? [])];

/** What a query with a filter threw, as the operator's to repair; a failure that may pass is left as it is. */
export function filterFault(error: unknown, filter: Filter | null): unknown {
  if (filter === null || error instanceof ConfigError || classify(error) === 'transient') return error;
  return new ConfigError(`The filter ${filter.name} does not run: ${messageOf(error)}.`, {
    code: 'FILTER_FAILED',
    remedy: `Correct ${optionName('search.filters')}: where is a condition over the columns of the table, with $1, $2, … for values.`,
    cause: error,
  });
}
