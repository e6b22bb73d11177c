/** The column for the time of the last embedding, where none is named: each vector column has its own. */

import { derivedName } from './values/derived-name.ts';

export const updatedAtColumnOf = (column: string): string => derivedName(column, '_updated_at');

/** What it was in earlier releases, whatever the vector column. */
export const EARLIER_UPDATED_AT_COLUMN = 'embedding_updated_at';
