/** What the measured relevance means for the gate. */

import { optionName } from '../../config/option-name.ts';
import { signedDecimal } from '../../observability/format.ts';
import type { Settings } from '../../config/settings.ts';
import { RRF_K } from '../../relevance/rank-fusion.ts';
import type { Check } from '../check.ts';
import type { LearntFusion } from '../measures/learn-fusion.ts';
import type { Relevance, SystemScore } from '../measures/relevance.ts';

/** With fewer the intervals are so wide that the gate cannot tell much. */
const ENOUGH_QUERIES = 25;

export const RELEVANCE_NOTES = {
  measures: `nDCG@10 of the ten hits that an application is served, with the settings of reads; recall@100 and reciprocal rank over the first 100 keys, for which the index is searched more widely; all as trec_eval -c defines them: gain = grade, discount log2(rank + 1), relevant from grade 1; a query that finds nothing counts as 0`,
  ties: `each ranking is taken as its SQL orders it: legacy by the operator, tsvector by ts_rank_cd then key, vector by distance as the index gives it; hybrid is reciprocal rank fusion (k = ${RRF_K}) of vector and tsvector, with the weights of reads, ties in the order of vector first`,
} as const;

export function relevanceChecks(relevance: Relevance, settings: Settings): Check[] {
  const { fusion } = relevance;
  return [
    judgementsCheck(relevance),
    vectorCheck(relevance, settings),
    ...(fusion == null ? [] : [hybridCheck(fusion)]),
  ];
}

function judgementsCheck(relevance: Relevance): Check {
  const { queries, leftOut, judgedKeys, unknownKeys, notEmbeddable } = relevance;
  const missing = Object.values(leftOut).reduce((sum, count) => sum + count, 0);
  const parts = [
    `${queries} queries measured`,
    `${leftOut.withoutJudgement} without a judgement`,
    `${leftOut.withoutRelevant} without a relevant key`,
    `${leftOut.judgedButMissing} judged but not in the file`,
    `${unknownKeys} of ${judgedKeys} judged keys without a row that takes part`,
    `${notEmbeddable} that the model makes no vector of`,
  ];
  const advice = [
    ...(missing + unknownKeys + notEmbeddable > 0
      ? ['Check that queries and judgements belong together, and that judged ids are the keys of the table.']
      : []),
    ...(queries < ENOUGH_QUERIES
      ? [`Judge at least ${ENOUGH_QUERIES} queries; with ${queries} little can be told.`]
      : []),
  ];
  return {
    name: 'judgements',
    // Every judged key unknown: another table's judgements, and a mean of zeros.
    passed: unknownKeys < judgedKeys,
    value: queries,
    threshold: null,
    detail: parts.join(', '),
    remedy: advice.length === 0 ? null : advice.join(' '),
  };
}

/** Fails where vectors are worse than the legacy search by more than the tolerance, and that is not chance. */
function vectorCheck({ systems, queries }: Relevance, settings: Settings): Check {
  const score = (name: SystemScore['name']): SystemScore | undefined =>
    systems.find((system) => system.name === name);
  const [vector, legacy, hybrid] = [score('vector'), score('legacy'), score('hybrid')];
  const worse = (system: SystemScore | undefined): boolean =>
    (system?.difference?.high ?? 0) < -settings.verify.tolerance;
  const passed = !worse(vector);
  const shown = systems.map(({ name, ndcg10, low, high }) =>
    ndcg10 === null
      ? `${name} passed the time limit`
      : `${name} ${ndcg10.toFixed(3)} [${low?.toFixed(3)}, ${high?.toFixed(3)}]`,
  );
  return {
    name: 'relevance',
    passed,
    value: vector?.ndcg10 ?? null,
    threshold: legacy?.ndcg10 == null ? null : Math.max(0, legacy.ndcg10 - settings.verify.tolerance),
    detail: `nDCG@10 of the answers as served over ${queries} queries: ${shown.join(', ')}`,
    remedy: passed
      ? null
      : `Search by vectors is worse than the legacy search. ${worse(hybrid) ? `Try another model by ${optionName('model.name')}` : `Use the hybrid of both, which is not, or another model by ${optionName('model.name')}`}, or accept more by ${optionName('verify.tolerance')}.`,
  };
}

/** Passes whichever is better: which of the two reads are to go by is the operator's choice. */
function hybridCheck(fusion: LearntFusion): Check {
  const { hybrid, vector, equal, settings, learntOn, reportedOn, recommended } = fusion;
  const { value = 0, low = 0, high = 0 } = hybrid.difference ?? {};
  const told =
    recommended === 'hybrid'
      ? 'Hybrid is better than vectors alone: prefer `cutover --to hybrid`.'
      : high < 0
        ? 'Hybrid is worse than vectors alone: prefer `cutover --to vector`.'
        : 'Hybrid cannot be told from vectors alone, and asks two rankings for one: prefer `cutover --to vector`.';
  return {
    name: 'hybrid',
    passed: true,
    value: hybrid.ndcg10,
    threshold: null,
    detail: `weight of words ${settings.words} (vectors 1) and the first ${settings.depth} of each ranking, learnt on ${learntOn} queries; on the other ${reportedOn}: nDCG@10 ${hybrid.ndcg10.toFixed(3)}, ${equal.ndcg10.toFixed(3)} with equal weights, vectors alone ${vector.ndcg10.toFixed(3)}; to vectors ${signedDecimal(value)} [${signedDecimal(low)}, ${signedDecimal(high)}]`,
    remedy: told,
  };
}
