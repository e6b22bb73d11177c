/** How good the answers are, by people's judgement: legacy search, full text, vectors, and both together. */

import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { canonicalKeys } from '../../table/canonical-keys.ts';
import { keyInSql, legacyKey } from '../../table/key.ts';
import {
  RESAMPLES,
  differenceOf,
  meanOf,
  pairedBootstrap,
  type Difference,
} from '../../relevance/bootstrap.ts';
import {
  NDCG_K,
  RECALL_K,
  ndcg,
  recall,
  reciprocalRank,
  relevantOf,
  type Grades,
} from '../../relevance/metrics.ts';
import { queryDigest, type Judgements, type Query } from '../../relevance/query-file.ts';
import type { EmbeddedQuery } from '../queries/query-vectors.ts';
import { rankLive, type LiveQueries } from './live-queries.ts';
import { learnFusion, type LearntFusion } from './learn-fusion.ts';
import { SYSTEMS, rankAll, rankText, type Rankings, type SearchContext, type SystemName } from './systems.ts';

export interface SystemScore {
  name: SystemName;
  /** Means over the queries, 0 to 1; null where the search passed the time limit. */
  ndcg10: number | null;
  recall100: number | null;
  mrr: number | null;
  /** 95 % interval of ndcg10. */
  low: number | null;
  high: number | null;
  /** The same of recall100. */
  recallLow: number | null;
  recallHigh: number | null;
  /** ndcg10 minus that of the legacy search, on the same queries, with its 95 % interval. */
  difference: Difference | null;
  /** The same to the live generation; absent where none was asked. */
  differenceToLive?: Difference | null;
}

export interface Relevance {
  /** Queries that were judged and have a relevant key: the means are over all of these, found or not. */
  queries: number;
  /** What ndcg10 is of. Earlier releases took it from rankings of 100 keys, which are searched for more widely than answers. */
  answers: 'as served';
  /** Tells whether another verification was on the same queries and judgements. */
  querySet: string;
  judgements: number;
  resamples: number;
  leftOut: {
    /** Queries of the file without a judgement, and with none that is relevant. */
    withoutJudgement: number;
    withoutRelevant: number;
    /** Judged queries that are not in the file. */
    judgedButMissing: number;
  };
  /** Different keys that are judged. */
  judgedKeys: number;
  /** Those of which the table has no row that takes part; they count as not found. */
  unknownKeys: number;
  /** Queries that the model makes no vector of; vector finds nothing for them. */
  notEmbeddable: number;
  systems: SystemScore[];
  /** How the hybrid of `systems` merges its rankings; null where nothing was learnt. Absent from earlier releases' verifications. */
  fusion?: LearntFusion | null;
}

export interface JudgedQueries {
  queries: readonly Query[];
  judgements: Judgements;
}

const DEPTHS = { k: NDCG_K, depth: RECALL_K };

/** Values per query of one system. */
type Scores = Record<'ndcg10' | 'recall100' | 'mrr', number[]>;

/** @param embedded those of `measurable`. @param live the same ones */
export async function measureRelevance(
  context: SearchContext,
  judged: JudgedQueries,
  embedded: readonly EmbeddedQuery[],
  live: LiveQueries | null = null,
): Promise<Relevance> {
  const { queries, judgements } = judged;
  const words = await rankWords(context, embedded);
  const fusion = words === null ? null : await learnFusion(context, judgements, embedded, words);
  const served = fusion === null ? context : { ...context, fusion: fusion.settings };
  const scores = new Map<SystemName, Scores>();
  const missing = new Set<SystemName>();
  for (const [at, query] of embedded.entries()) {
    const grades = judgements.get(query.id) as Grades;
    const rankings = await rankAll(served, query, DEPTHS, words?.get(query.id) ?? null);
    for (const name of SYSTEMS) {
      const ranking = rankings[name];
      if (ranking === null) missing.add(name);
      else add(scores, name, ranking, grades);
    }
    if (live === null || missing.has('live')) continue;
    const answer = await rankLive(live.context, live.mode, live.queries[at] as EmbeddedQuery);
    if (answer === null) missing.add('live');
    else add(scores, 'live', answer, grades);
  }
  for (const name of missing) scores.delete(name);
  const ids = new Set(queries.map(({ id }) => id));
  const withJudgement = queries.filter(({ id }) => judgements.has(id)).length;
  return {
    queries: embedded.length,
    answers: 'as served',
    querySet: queryDigest(queries, judgements),
    judgements: [...judgements.values()].reduce((sum, grades) => sum + grades.size, 0),
    resamples: RESAMPLES,
    leftOut: {
      withoutJudgement: queries.length - withJudgement,
      withoutRelevant: withJudgement - embedded.length,
      judgedButMissing: [...judgements.keys()].filter((id) => !ids.has(id)).length,
    },
    ...(await countKeys(context, judgements)),
    notEmbeddable: embedded.filter(({ vector }) => vector === null).length,
    systems: summarise(scores, live === null ? SYSTEMS : [...SYSTEMS, 'live']),
    fusion,
  };
}

/** By the queries' ids; null once one of them has passed the time limit, as the next would not be faster. */
async function rankWords(
  context: SearchContext,
  queries: readonly EmbeddedQuery[],
): Promise<Map<string, string[]> | null> {
  const words = new Map<string, string[]>();
  for (const { id, text } of queries) {
    const ranking = await rankText(context, text);
    if (ranking === null) return null;
    words.set(id, ranking);
  }
  return words;
}

/** Queries that can be scored: judged, with a relevant key. */
export const measurable = ({ queries, judgements }: JudgedQueries): Query[] =>
  queries.filter(({ id }) => relevantOf(judgements.get(id) ?? new Map()) > 0);

function add(
  scores: Map<SystemName, Scores>,
  name: SystemName,
  { served, deep }: Rankings,
  grades: Grades,
): void {
  const present = scores.get(name) ?? { ndcg10: [], recall100: [], mrr: [] };
  present.ndcg10.push(ndcg(served, grades));
  present.recall100.push(recall(deep, grades));
  present.mrr.push(reciprocalRank(deep, grades));
  scores.set(name, present);
}

function summarise(scores: Map<SystemName, Scores>, systems: readonly SystemName[]): SystemScore[] {
  const names = systems.filter((name) => scores.has(name));
  const { means } = pairedBootstrap(names.map((name) => scores.get(name)?.ndcg10 ?? []));
  const recalls = pairedBootstrap(names.map((name) => scores.get(name)?.recall100 ?? [])).means;
  const toLegacy = differencesTo('legacy', scores);
  const toLive = differencesTo('live', scores);
  return systems.map((name) => {
    const at = names.indexOf(name);
    const own = scores.get(name);
    return {
      name,
      ndcg10: meanOrNull(own?.ndcg10),
      recall100: meanOrNull(own?.recall100),
      mrr: meanOrNull(own?.mrr),
      low: means[at]?.low ?? null,
      high: means[at]?.high ?? null,
      recallLow: recalls[at]?.low ?? null,
      recallHigh: recalls[at]?.high ?? null,
      difference: toLegacy.get(name) ?? null,
      ...(systems.includes('live') ? { differenceToLive: toLive.get(name) ?? null } : {}),
    };
  });
}

/** Of ndcg10, on the same resamples for every system; none where `reference` was not measured. */
function differencesTo(reference: SystemName, scores: Map<SystemName, Scores>): Map<SystemName, Difference> {
  const first = scores.get(reference);
  const others = [...scores].filter(([name]) => name !== reference);
  if (first === undefined) return new Map();
  const { differences } = pairedBootstrap([first.ndcg10, ...others.map(([, { ndcg10 }]) => ndcg10)]);
  return new Map(
    others.map(([name, { ndcg10 }], at) => [name, differenceOf(ndcg10, first.ndcg10, differences[at + 1])]),
  );
}

const meanOrNull = (values: readonly number[] | undefined): number | null =>
  values === undefined || values.length === 0 ? null : meanOf(values);

/** A judged key may be anything. */
async function countKeys(
  { pool, target }: SearchContext,
  judgements: Judgements,
): Promise<{ judgedKeys: number; unknownKeys: number }> {
  const keys = [...new Set([...judgements.values()].flatMap((grades) => [...grades.keys()]))];
  const known = await inReadOnly(pool, TABLE_LIMITS, async (client) => {
    const values: unknown[] = [];
    const canonical = [...(await canonicalKeys(client, target, keys)).values()];
    const isJudged = keyInSql(target, legacyKey(target), canonical, values);
    const found = await client.query<{ known: number }>(
      `SELECT count(*)::int AS known FROM ${target.table} WHERE ${target.where} AND ${isJudged}`,
      values,
    );
    return found.rows[0]?.known ?? 0;
  });
  return { judgedKeys: keys.length, unknownKeys: keys.length - known };
}
