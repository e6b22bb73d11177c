/** The generation by which reads go, beside the one that is verified: the same queries, each by its own model and index. */

import { overlap, rankBiasedOverlap } from '../../relevance/agreement.ts';
import { NDCG_K, RECALL_K } from '../../relevance/metrics.ts';
import type { LiveRelevance } from '../../ledger/verification/live-relevance.ts';
import type { OpenedGeneration } from '../live/open-generation.ts';
import type { EmbeddedQuery } from '../queries/query-vectors.ts';
import type { Latency, Percentiles } from './latency.ts';
import { measureRecall } from './recall.ts';
import type { Relevance } from './relevance.ts';
import { rankLive, type LiveQueries } from './live-queries.ts';
import type { SearchContext } from './systems.ts';

/** Of the generation that is verified against. */
export interface LiveFigures {
  generation: number;
  run: string;
  model: string;
  dimensions: number;
  /** Whether applications are answered by it. */
  answersReads: boolean;
  /** How it is asked; the other one is asked in the same way. */
  mode: 'vector' | 'hybrid';
  /** Of the overlap. */
  queries: number;
  /** Mean share of the k places of the answers, as served, that both fill with the same keys. */
  k: number;
  overlap: number;
  measure: 'rank-biased overlap';
  rankCorrelation: number;
  depth: number;
  /** Of its index against exact search; null where no row has a vector. */
  recallAt10: number | null;
  /** Embedding the query and searching by the index, on the same queries in turn; null where that was not measured. */
  latency: { own: Percentiles; live: Percentiles; ratioP95: number | null } | null;
  /** Null where nobody has judged. */
  relevance: LiveRelevance | null;
}

/** What both of them answer alike, and how well the live index answers; latency and relevance were measured among the others. */
export async function measureLive(
  context: SearchContext,
  { generation, run, answersReads }: OpenedGeneration,
  embedded: number,
  queries: readonly EmbeddedQuery[],
  live: LiveQueries,
  { latency, relevance }: { latency: Latency | null; relevance: Relevance | null },
): Promise<LiveFigures> {
  const sums = { overlap: 0, rankCorrelation: 0 };
  let asked = 0;
  for (const [at, query] of queries.entries()) {
    const own = await rankLive(context, live.mode, query);
    const other = await rankLive(live.context, live.mode, live.queries[at] as EmbeddedQuery);
    // Ranking by words does not get faster by the next query.
    if (own === null || other === null) break;
    sums.overlap += overlap(own.served, other.served, NDCG_K);
    sums.rankCorrelation += rankBiasedOverlap(own.deep, other.deep);
    asked++;
  }
  const { pool, target, settings, read } = live.context;
  return {
    generation: generation.generation,
    run: run.id,
    model: run.model,
    dimensions: run.dimensions,
    answersReads,
    mode: live.mode,
    queries: asked,
    k: NDCG_K,
    overlap: sums.overlap / Math.max(1, asked),
    measure: 'rank-biased overlap',
    rankCorrelation: sums.rankCorrelation / Math.max(1, asked),
    depth: RECALL_K,
    recallAt10: (await measureRecall(pool, target, settings, embedded, read)).recall,
    latency: latency === null ? null : liveLatency(latency),
    relevance: relevance === null ? null : liveRelevance(relevance, live.mode),
  };
}

function liveLatency({ systems }: Latency): LiveFigures['latency'] {
  const of = (wanted: 'vector' | 'live'): Percentiles | undefined =>
    systems.find(({ name }) => name === wanted);
  const [own, live] = [of('vector'), of('live')];
  if (own === undefined || live === undefined) return null;
  const percentiles = ({ p50Ms, p95Ms, p99Ms }: Percentiles): Percentiles => ({ p50Ms, p95Ms, p99Ms });
  return {
    own: percentiles(own),
    live: percentiles(live),
    ratioP95: live.p95Ms === 0 ? null : own.p95Ms / live.p95Ms,
  };
}

function liveRelevance({ systems, queries, querySet }: Relevance, mode: 'vector' | 'hybrid'): LiveRelevance {
  const own = systems.find(({ name }) => name === mode);
  const live = systems.find(({ name }) => name === 'live');
  return {
    queries,
    querySet,
    own: own?.ndcg10 ?? null,
    live: live?.ndcg10 ?? null,
    difference: own?.differenceToLive ?? null,
  };
}
