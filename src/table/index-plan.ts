/** Which kind of index a backfill has or will have: as configured, as the finalizer chose, or one that was there before. */

import type { Settings } from '../config/settings.ts';
import { MAX_INDEXED_DIMENSIONS, type IndexedType, type VectorType } from './vector-type.ts';

export type IndexMethod = 'hnsw' | 'ivfflat';

export interface IndexPlan {
  method: IndexMethod;
  /** Of the indexed vectors; another type than the column's makes it an index on an expression. */
  type: IndexedType;
  /** Of an index that was there before and is taken over; others are named after the table. */
  name?: string;
}

export interface PlanSettings {
  columnType: Settings['columnType'];
  index: Pick<Settings['index'], 'method' | 'type'>;
}

/** With fewer dimensions bits tell rows apart too badly for `auto` to take them. */
export const MIN_BIT_DIMENSIONS = 256;

/** By the options alone, or by `chosen` where they leave it open. @param dimensions null where they are not known yet */
export function indexPlan(
  settings: PlanSettings,
  dimensions: number | null,
  chosen: IndexPlan | null,
): IndexPlan {
  const isAuto = settings.index.method === 'auto';
  if (
    chosen !== null &&
    (isAuto || (chosen.name !== undefined && chosen.method === settings.index.method)) &&
    typesOf(settings, dimensions).includes(chosen.type)
  )
    return chosen;
  const method = settings.index.method === 'auto' ? 'hnsw' : settings.index.method;
  return { method, type: typesOf(settings, dimensions).find((type) => hasIndex(method, type)) ?? 'halfvec' };
}

/** Bits are indexed by HNSW alone: lists of them are found no better than those of vectors, and read at a worse recall. */
export const hasIndex = (method: IndexMethod, type: IndexedType): boolean =>
  method === 'hnsw' || type !== 'bit';

/** Types that the index may be of, the most exact one first; empty where no index takes so many dimensions. */
export function typesOf(
  { columnType, index }: { columnType: VectorType; index: Pick<Settings['index'], 'type'> },
  dimensions: number | null,
): IndexedType[] {
  const isLarge = dimensions === null || dimensions >= MIN_BIT_DIMENSIONS;
  const open: IndexedType[] = ['vector', 'halfvec', ...(isLarge ? (['bit'] as const) : [])];
  const wanted: IndexedType[] = index.type === 'auto' ? open : [index.type];
  return wanted.filter(
    (type) =>
      (columnType === 'vector' || type !== 'vector') && (dimensions ?? 0) <= MAX_INDEXED_DIMENSIONS[type],
  );
}
