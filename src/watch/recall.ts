/** Recall of the live index against exact search, within the budget of a pass. */

import { groupedWilson, type Counted } from '../relevance/wilson.ts';
import { nearest, type Neighbour } from '../search/queries/vector-query.ts';
import type { ReadSettings } from '../ledger/reads/read-settings.ts';
import type { WatchRecall } from '../ledger/passes/pass-result.ts';
import type { CurveQuery } from '../verify/measures/recall-curve.ts';
import { RECALL_K, besideOwn, recallOf, withoutOwn } from '../verify/measures/recall.ts';
import type { SearchContext } from '../verify/measures/systems.ts';
import type { Budget } from './budget.ts';
import { nearerRows, type Sample } from './nearer-rows.ts';

/** Distances this close are the same distance. */
const TIE = 1e-6;

export interface AskedQuery extends CurveQuery {
  found: Neighbour[];
  milliseconds: number;
  /** The nearest rows of all; where only a sample is compared, what the index gives when it is searched as deep as it can be. */
  truth: Neighbour[];
  /** Rows of the sample that are nearer than the last of them and not among them: what the index does not find however deep. */
  missed: number;
}

/** Where not every vector is compared. */
export interface Sampling extends Sample {
  /** Settings with which the index is searched as deep as it can be. */
  deep: ReadSettings;
}

/**
 * One query at a time, each in a short transaction, so that an exact search of a large table keeps no snapshot for long.
 * @param sampling null where every vector is compared
 */
export async function askQueries(
  context: SearchContext,
  queries: readonly CurveQuery[],
  sampling: Sampling | null,
  budget: Budget,
): Promise<AskedQuery[]> {
  const asked: AskedQuery[] = [];
  for (const query of queries) {
    if (!(await budget.allows())) break;
    try {
      const { neighbours, milliseconds } = await byIndex(context, query, context.read, budget);
      const found = withoutOwn(neighbours, query.own);
      asked.push({ ...query, found, milliseconds, ...(await truthOf(context, query, sampling, budget)) });
    } catch (error) {
      budget.ended(error);
    }
  }
  return asked;
}

/**
 * By a sample alone nobody can tell how near the nearest rows are: an index that finds none of them would be charged with all
 * that lies between. So it is asked by the deepest search first, and the sample tells what even that does not find.
 */
async function truthOf(
  context: SearchContext,
  query: CurveQuery,
  sampling: Sampling | null,
  budget: Budget,
): Promise<Pick<AskedQuery, 'truth' | 'missed'>> {
  const { pool, target, settings } = context;
  const { vector, own } = query;
  if (sampling === null) {
    const { limits } = budget;
    const exact = await nearest(pool, target, settings.metric, vector, depthOf(query), 'exact', { limits });
    return { truth: withoutOwn(exact.neighbours, own), missed: 0 };
  }
  const deep = await byIndex(context, query, { ...context.read, ...sampling.deep }, budget);
  const truth = withoutOwn(deep.neighbours, own);
  const last = truth.at(-1);
  if (last === undefined) return { truth, missed: 0 };
  const nearer = await nearerRows(context, vector, last.distance - TIE, sampling, budget);
  const keys = new Set([own, ...truth.map(({ key }) => key)]);
  return { truth, missed: nearer.filter(({ key }) => !keys.has(key)).length };
}

/** The same queries with other settings. Null where the time was over before the last one. */
export async function askAgain(
  context: SearchContext,
  asked: readonly AskedQuery[],
  read: ReadSettings,
  budget: Budget,
): Promise<AskedQuery[] | null> {
  const again: AskedQuery[] = [];
  for (const query of asked) {
    if (!(await budget.allows())) return null;
    try {
      const { neighbours, milliseconds } = await byIndex(context, query, read, budget);
      again.push({ ...query, found: withoutOwn(neighbours, query.own), milliseconds });
    } catch (error) {
      budget.ended(error);
      return null;
    }
  }
  return again;
}

/** A row is its own nearest neighbour, and is asked for besides. */
const depthOf = ({ own }: CurveQuery): number => (own === null ? RECALL_K : RECALL_K + 1);

const byIndex = (
  { pool, target, settings }: SearchContext,
  query: CurveQuery,
  read: ReadSettings,
  { limits }: Budget,
): ReturnType<typeof nearest> =>
  nearest(pool, target, settings.metric, query.vector, depthOf(query), 'index', {
    read: query.own === null ? read : besideOwn(read),
    limits,
  });

/**
 * Recall against the truth that was asked; where that is of the index itself, times the share of it that is the truth, by the
 * sample: each place counts by the sample's share there, so that the interval is as wide as what was looked at warrants.
 * @param share of the vectors that were compared, 0 to 1
 */
export function recallFrom(asked: readonly AskedQuery[], share: number): WatchRecall | null {
  const found = ratioOf(asked.map((query) => placesOf(query, share)));
  if (found === null) return null;
  if (share === 1) return { queries: asked.length, ...found };
  const places = share * RECALL_K;
  const there = ratioOf(asked.map(({ missed }) => ({ hits: places - missed, trials: places }))) ?? found;
  return {
    queries: asked.length,
    recall: found.recall * there.recall,
    low: found.low * there.low,
    high: found.high * there.high,
  };
}

/** An answer of the deepest search that came short lacks the rest, as the table has more. */
function placesOf({ truth, found }: AskedQuery, share: number): Counted {
  const hits = Math.round(recallOf(truth, found) * truth.length);
  return { hits, trials: share === 1 ? truth.length : RECALL_K };
}

function ratioOf(counted: readonly Counted[]): Omit<WatchRecall, 'queries'> | null {
  const trials = counted.reduce((sum, each) => sum + each.trials, 0);
  const hits = counted.reduce((sum, each) => sum + each.hits, 0);
  if (trials === 0) return null;
  // More misses in a sample than it has places are a recall of 0.
  const within = hits < 0 ? counted.map((each) => ({ ...each, hits: 0 })) : counted;
  return { recall: Math.max(0, hits) / trials, ...groupedWilson(within) };
}
