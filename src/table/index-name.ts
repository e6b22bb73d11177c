/** What the index of a backfill is called, on its table and on each partition. */

import { derivedName } from '../db/identifiers.ts';
import type { IndexMethod } from './index-plan.ts';

/** What earlier releases named every index after, whatever its column was. */
export const EARLIER_STEM = 'embedding';

/**
 * `<table>_<stem>_hnsw_idx`; the stem is the column, unless the ledger says otherwise. Where that is too long, earlier releases
 * cut the table's name alone: an index that they have made is found again.
 */
export const indexName = (table: string, stem: string, method: IndexMethod): string =>
  stem === EARLIER_STEM
    ? derivedName(table, `_${EARLIER_STEM}_${method}_idx`)
    : derivedName(`${table}_${stem}`, `_${method}_idx`);
