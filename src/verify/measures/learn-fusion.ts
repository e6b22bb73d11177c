/** Weight and depth of the hybrid, learnt on one half of the judged queries and reported on the other. */

import { meanOf, pairedBootstrap, differenceOf, type Difference } from '../../relevance/bootstrap.ts';
import { NDCG_K, ndcg, type Grades } from '../../relevance/metrics.ts';
import { inDrawnOrder, type Judgements } from '../../relevance/query-file.ts';
import { EQUAL_FUSION, type Fusion } from '../../ledger/reads/fusion.ts';
import { fuseHits } from '../../search/read-modes.ts';
import type { Neighbour } from '../../search/queries/vector-query.ts';
import type { EmbeddedQuery } from '../queries/query-vectors.ts';
import { DEEPEST_FUSION, nearTo, type SearchContext } from './systems.ts';

export interface FusionScore {
  /** Mean over the queries of the other half, 0 to 1. */
  ndcg10: number;
  low: number;
  high: number;
  /** To vectors alone, on the same queries; null of vectors themselves. */
  difference: Difference | null;
}

export interface LearntFusion {
  /** What hybrid reads go by from now on. */
  settings: Fusion;
  /** Queries that it was learnt on, and those of the other half, which the figures are of. */
  learntOn: number;
  reportedOn: number;
  vector: FusionScore;
  /** With equal weights, as nothing was learnt. */
  equal: FusionScore;
  hybrid: FusionScore;
  /** Hybrid where it is better than vectors alone and that is not chance: it asks two rankings for one. */
  recommended: 'vector' | 'hybrid';
}

/** With fewer, a half is too few to learn from, and too few to tell by. */
export const ENOUGH_TO_LEARN = 50;

/** In the order in which equal ones are preferred. */
const WORDS = [1, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 1.5, 2.5, 5];
const DEPTHS = [EQUAL_FUSION.depth, DEEPEST_FUSION, 100, 20, 10];
const CHOICES: readonly Fusion[] = DEPTHS.flatMap((depth) => WORDS.map((words) => ({ words, depth })));

interface Ranked {
  near: readonly Neighbour[];
  words: readonly string[];
  grades: Grades;
}

/** Null where there are fewer than `ENOUGH_TO_LEARN`. @param words to `DEEPEST_FUSION`, by the queries' ids */
export async function learnFusion(
  context: SearchContext,
  judgements: Judgements,
  queries: readonly EmbeddedQuery[],
  words: ReadonlyMap<string, readonly string[]>,
): Promise<LearntFusion | null> {
  if (queries.length < ENOUGH_TO_LEARN) return null;
  const ranked: Ranked[] = [];
  for (const query of inDrawnOrder(queries))
    ranked.push({
      near: await nearTo(context, query, NDCG_K, DEEPEST_FUSION),
      words: words.get(query.id) ?? [],
      grades: judgements.get(query.id) as Grades,
    });
  const half = Math.floor(ranked.length / 2);
  return learnt(ranked.slice(0, half), ranked.slice(half));
}

/** Of halves that are ranked already. */
export function learnt(one: readonly Ranked[], other: readonly Ranked[]): LearntFusion {
  const means = CHOICES.map((fusion) => meanOf(one.map((each) => served(each, fusion))));
  const settings = CHOICES[means.indexOf(Math.max(...means))] as Fusion;
  const vector = other.map(({ near, grades }) =>
    ndcg(
      near.map(({ key }) => key),
      grades,
    ),
  );
  const series = [vector, ...[EQUAL_FUSION, settings].map((by) => other.map((each) => served(each, by)))];
  const intervals = pairedBootstrap(series);
  const [alone, equal, hybrid] = series.map((values, at): FusionScore => ({
    ndcg10: meanOf(values),
    low: intervals.means[at]?.low ?? 0,
    high: intervals.means[at]?.high ?? 0,
    difference: at === 0 ? null : differenceOf(values, vector, intervals.differences[at]),
  })) as [FusionScore, FusionScore, FusionScore];
  return {
    settings,
    learntOn: one.length,
    reportedOn: other.length,
    vector: alone,
    equal,
    hybrid,
    recommended: (hybrid.difference?.low ?? 0) > 0 ? 'hybrid' : 'vector',
  };
}

const served = ({ near, words, grades }: Ranked, fusion: Fusion): number =>
  ndcg(
    fuseHits(near.slice(0, fusion.depth), words.slice(0, fusion.depth), NDCG_K, fusion).map(({ key }) => key),
    grades,
  );
