/** Which kind of index a backfill has or will have: as configured, as the finalizer chose, or one that was there before. */

import type { Settings } from '../config/settings.ts';
import { MAX_INDEXED_DIMENSIONS, type VectorType } from './vector-type.ts';

export type IndexMethod = 'hnsw' | 'ivfflat';

export interface IndexPlan {
  method: IndexMethod;
  /** Of the indexed vectors; another type than the column's makes it an index on a cast. */
  type: VectorType;
  /** Of an index that was there before and is taken over; others are named after the table. */
  name?: string;
}

export interface PlanSettings {
  columnType: Settings['columnType'];
  index: Pick<Settings['index'], 'method' | 'type'>;
}

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
  return {
    method: settings.index.method === 'auto' ? 'hnsw' : settings.index.method,
    type: typesOf(settings, dimensions)[0] ?? 'halfvec',
  };
}

/** Types that the index may be of, the most exact one first; empty where no index takes so many dimensions. */
export function typesOf(
  { columnType, index }: { columnType: VectorType; index: Pick<Settings['index'], 'type'> },
  dimensions: number | null,
): VectorType[] {
  const wanted: VectorType[] = index.type === 'auto' ? ['vector', 'halfvec'] : [index.type];
  return wanted.filter(
    (type) =>
      (columnType === 'vector' || type === 'halfvec') && (dimensions ?? 0) <= MAX_INDEXED_DIMENSIONS[type],
  );
}
