/** Which kind of index a backfill has or will have: as configured, or as the finalizer chose. */

import type { Settings } from '../config/settings.ts';
import type { Queryable } from '../db/pool.ts';
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

/** What the finalizer chose for `index.method: auto`; null before it did. */
export async function chosenPlan(db: Queryable, backfill: string): Promise<IndexPlan | null> {
  // An older ledger, or none: a failed query would end the transaction that this may be asked in.
  const known = await db.query<{ known: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = 'pgvector_backfill' AND c.relname = 'backfill' AND a.attname = 'index_plan') AS known`,
  );
  if (known.rows[0]?.known !== true) return null;
  const found = await db.query<{ plan: IndexPlan | null }>(
    'SELECT index_plan AS plan FROM pgvector_backfill.backfill WHERE name = $1',
    [backfill],
  );
  return found.rows[0]?.plan ?? null;
}

/** Searches that are under way go by it within the bound of the read mode. */
export async function savePlan(db: Queryable, backfill: string, { method, type }: IndexPlan): Promise<void> {
  await db.query(
    'UPDATE pgvector_backfill.backfill SET index_plan = $2, updated_at = clock_timestamp() WHERE name = $1',
    [backfill, { method, type }],
  );
}
