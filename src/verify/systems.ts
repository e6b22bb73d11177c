/** The searches that are compared, each as: query → keys, best first, none twice. */

import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../db/sqlstates.ts';
import { fuse } from '../relevance/fuse.ts';
import { legacySearch } from '../search/legacy-query.ts';
import { forDepth, type ReadSettings } from '../search/read-settings.ts';
import { textSearch } from '../search/text-query.ts';
import { nearest } from '../search/vector-query.ts';
import type { Target } from '../table/target.ts';
import type { EmbeddedQuery } from './query-vectors.ts';

export const SYSTEMS = ['legacy', 'tsvector', 'vector', 'hybrid'] as const;
export type SystemName = (typeof SYSTEMS)[number];

export interface SearchContext {
  pool: Pool;
  target: Target;
  settings: Settings;
  /** What vector searches are run with. */
  read: ReadSettings;
}

/** Rankings of one query, to `depth`; null where the tsvector ranking passed the time limit. A query without a vector finds nothing by it. */
export async function rankAll(
  context: SearchContext,
  query: EmbeddedQuery,
  depth: number,
  withText = true,
): Promise<Record<SystemName, string[] | null>> {
  const legacy = await rankLegacy(context, query.text, depth);
  const vector = await rankVector(context, query.vector, depth);
  const tsvector = withText ? await rankText(context, query.text, depth) : null;
  return { legacy, tsvector, vector, hybrid: tsvector === null ? null : fuse([vector, tsvector], depth) };
}

export async function rankLegacy(
  { pool, target, settings }: SearchContext,
  text: string,
  depth: number,
): Promise<string[]> {
  // A join in the operator's SQL may bring a row twice; it can be found once only.
  return [...new Set((await legacySearch(pool, target, settings, text, depth)).keys)];
}

/** By the index wherever it can be used, also on a table so small that the planner reads all of it. */
export async function rankVector(
  { pool, target, settings, read }: SearchContext,
  vector: string | null,
  depth: number,
): Promise<string[]> {
  if (vector === null) return [];
  const options = { read: forDepth(read, depth) };
  const { neighbours } = await nearest(pool, target, settings.metric, vector, depth, 'index', options);
  return neighbours.map(({ key }) => key);
}

async function rankText(
  { pool, target, settings }: SearchContext,
  text: string,
  depth: number,
): Promise<string[] | null> {
  try {
    return await textSearch(pool, target, settings, text, depth);
  } catch (error) {
    // Ranking by words without an index of its own reads every row: on a large table that is no search.
    if (hasSqlState(error, SQLSTATE.queryCanceled)) return null;
    throw error;
  }
}
