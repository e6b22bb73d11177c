/** How vectors get into the store of a generation, and out of it again. */

import type { Target } from '../../table/backfill-target.ts';
import { columnWrites } from './column-writes.ts';
import type { StoreWrites } from './store-writes.ts';
import { tableWrites } from './table-writes.ts';

export const writesOf = ({ store }: Target): StoreWrites =>
  store.kind === 'table' ? tableWrites : columnWrites;
