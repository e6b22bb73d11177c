/** The searches that are compared, each as: query → keys, best first, none twice. */

import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { SQLSTATE, codeOf, hasSqlState } from '../../db/sqlstates.ts';
import { TABLE_LIMITS } from '../../db/transaction.ts';
import { fuse } from '../../relevance/rank-fusion.ts';
import { fuseHits, fusedDepth, neighbours, vectorHits, type SearchRequest } from '../../search/read-modes.ts';
import { LegacyTries } from '../../search/queries/legacy-fault.ts';
import { legacySearch } from '../../search/queries/legacy-query.ts';
import { EQUAL_FUSION, type Fusion } from '../../ledger/reads/fusion.ts';
import { forDepth, type ReadSettings } from '../../ledger/reads/read-settings.ts';
import { TEXT_FAILED, textSearch } from '../../search/queries/text-query.ts';
import { nearest, type Neighbour } from '../../search/queries/vector-query.ts';
import type { Target } from '../../table/backfill-target.ts';
import { scanDepth } from '../../table/candidates.ts';
import type { EmbeddedQuery } from '../queries/query-vectors.ts';

export const SYSTEMS = ['legacy', 'tsvector', 'vector', 'hybrid'] as const;
/** `live`: the generation by which reads go, where another one is verified. */
export type SystemName = (typeof SYSTEMS)[number] | 'live';

export interface SearchContext {
  pool: Pool;
  target: Target;
  settings: Settings;
  /** What vector searches are run with. */
  read: ReadSettings;
  /** How the hybrid merges its rankings; with equal weights where absent. */
  fusion?: Fusion;
  /** Of the legacy search, which may raise for some queries. */
  tries?: LegacyTries;
}

/** Keys of one query, best first. */
export interface Rankings {
  /** The `k` that an application gets: by the code, the settings and the depth of its search. */
  served: string[];
  /** To `depth`, for what is measured further down than anybody asks. */
  deep: string[];
}

/** Deepest ranking that a hybrid may merge. */
export const DEEPEST_FUSION = 200;

export interface Depths {
  k: number;
  depth: number;
}

/**
 * Null where there is no ranking by words. A query without a vector finds nothing by it.
 * @param words to `DEEPEST_FUSION`; null where the tsvector ranking passed the time limit, or does not run
 */
export async function rankAll(
  context: SearchContext,
  query: EmbeddedQuery,
  depths: Depths,
  words: readonly string[] | null,
): Promise<Record<(typeof SYSTEMS)[number], Rankings | null>> {
  const { k, depth } = depths;
  const legacy = await rankLegacy(context, query.text, depths);
  const vector = await rankVector(context, query, depths);
  if (words === null) return { legacy, tsvector: null, vector, hybrid: null };
  return {
    legacy,
    // Its order is the same at every depth.
    tsvector: { served: words.slice(0, k), deep: words.slice(0, depth) },
    vector,
    hybrid: await rankHybrid(context, query, depths, vector, words),
  };
}

export async function rankHybrid(
  context: SearchContext,
  query: EmbeddedQuery,
  { k, depth }: Depths,
  vector: Rankings,
  words: readonly string[],
): Promise<Rankings> {
  const { fusion = EQUAL_FUSION } = context;
  const fused = fusedDepth(k, fusion);
  const near = await nearTo(context, query, k, fused);
  return {
    served: fuseHits(near, words.slice(0, fused), k, fusion).map(({ key }) => key),
    deep: fuse([vector.deep, words.slice(0, depth)], depth, [1, fusion.words]),
  };
}

/** As much of the ranking by vectors as a search for `k` hits fuses. */
export const nearTo = async (
  context: SearchContext,
  query: EmbeddedQuery,
  k: number,
  depth: number,
): Promise<Neighbour[]> =>
  query.vector === null ? [] : neighbours(requestOf(context, query, k), query.vector, depth);

export async function rankLegacy(
  { pool, target, settings, tries = new LegacyTries() }: SearchContext,
  text: string,
  { k, depth }: Depths,
): Promise<Rankings> {
  const ask = async (rows: number): Promise<string[]> =>
    // A join in the operator's SQL may bring a row twice; it can be found once only.
    [...new Set((await legacySearch(pool, target, settings, text, rows)).keys)];
  return tries.ask(async () => ({ served: await ask(k), deep: await ask(depth) }), { served: [], deep: [] });
}

/** Deep: by the index wherever it can be used, also on a table so small that the planner reads all of it. */
export async function rankVector(
  context: SearchContext,
  query: Pick<EmbeddedQuery, 'text' | 'vector'>,
  { k, depth }: Depths,
): Promise<Rankings> {
  const { pool, target, settings, read } = context;
  const { vector } = query;
  if (vector === null) return { served: [], deep: [] };
  const served = await vectorHits(requestOf(context, query, k), vector);
  const options = { read: forDepth(read, scanDepth(target, depth)) };
  const deep = await nearest(pool, target, settings.metric, vector, depth, 'index', options);
  return { served: served.map(({ key }) => key), deep: deep.neighbours.map(({ key }) => key) };
}

/** As `createSearch` would ask it. */
const requestOf = (
  context: SearchContext,
  { text }: Pick<EmbeddedQuery, 'text'>,
  k: number,
): SearchRequest => ({
  ...context,
  text,
  k,
  filter: null,
  timeoutMs: TABLE_LIMITS.statementTimeoutMs,
});

/** To `DEEPEST_FUSION`; null where it passed the time limit, or does not run. */
export async function rankText(
  { pool, target, settings }: SearchContext,
  text: string,
): Promise<string[] | null> {
  try {
    return await textSearch(pool, target, settings, text, DEEPEST_FUSION);
  } catch (error) {
    // Ranking by words without an index of its own reads every row: on a large table that is no search.
    if (hasSqlState(error, SQLSTATE.queryCanceled) || codeOf(error) === TEXT_FAILED) return null;
    throw error;
  }
}
