/** Which kind of index a backfill has or will have: as configured, or as the finalizer chose. */

import type { Settings } from '../config/settings.ts';
import { MAX_INDEXED_DIMENSIONS, type VectorType } from './vector-type.ts';

export type IndexMethod = 'hnsw' | 'ivfflat';

export interface IndexPlan {
  method: IndexMethod;
  /** Of the indexed vectors; another type than the column's makes it an index on a cast. */
  type: VectorType;
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
  if (
    settings.index.method === 'auto' &&
    chosen !== null &&
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
