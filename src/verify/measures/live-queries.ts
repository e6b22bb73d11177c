/** The generation by which reads go, asked for the queries that the one which is verified is asked for too. */

import { NDCG_K, RECALL_K } from '../../relevance/metrics.ts';
import type { OpenedGeneration } from '../live/open-generation.ts';
import { embedQueries, type EmbeddedQuery } from '../queries/query-vectors.ts';
import { rankHybrid, rankText, rankVector, type Rankings, type SearchContext } from './systems.ts';

const DEPTHS = { k: NDCG_K, depth: RECALL_K };

export interface LiveQueries {
  context: SearchContext;
  mode: 'vector' | 'hybrid';
  /** In the order of the others, each with the vector of this generation's model. */
  queries: readonly EmbeddedQuery[];
}

export const liveQueries = async (
  { context, mode, embedder }: OpenedGeneration,
  queries: readonly EmbeddedQuery[],
): Promise<LiveQueries> => ({ context, mode, queries: await embedQueries(embedder, queries) });

/** As the generation answers; null where the ranking by words passed the time limit. */
export async function rankLive(
  context: SearchContext,
  mode: 'vector' | 'hybrid',
  query: EmbeddedQuery,
): Promise<Rankings | null> {
  const vector = await rankVector(context, query, DEPTHS);
  if (mode === 'vector') return vector;
  const words = await rankText(context, query.text);
  return words === null ? null : rankHybrid(context, query, DEPTHS, vector, words);
}
