/** Searches within groups held against the exact answers: recall, hits and time. */

import type { Interval } from '../../relevance/bootstrap.ts';
import { groupedWilson, type Counted } from '../../relevance/wilson.ts';
import type { Neighbour, TimedNeighbours } from '../../search/queries/vector-query.ts';
import { RECALL_K, percentile, recallOf, withoutOwn } from '../measures/recall.ts';

/** Low and high are of the recall, 95 % by Wilson with the queries as groups of places. */
export interface Figures extends Interval {
  /** Share of the places of the exact answers that were filled with rows as near. */
  recall: number;
  /** Hits of a query in the mean, and what it should have been: k, or all others of the group where these are fewer. */
  found: number;
  wanted: number;
  /** Queries with fewer hits than there are. */
  short: number;
  queries: number;
  p50Ms: number;
  p95Ms: number;
}

/** One search by a row's own vector. */
export interface AskedOnce {
  own: string;
  exact: readonly Neighbour[];
  answer: TimedNeighbours;
}

/** Null of nothing: groups of one row have no other to be found. */
export function figuresOf(asked: readonly AskedOnce[]): Figures | null {
  const counted: Counted[] = [];
  const sums = { found: 0, short: 0 };
  for (const { own, exact, answer } of asked) {
    const wanted = withoutOwn(exact, own);
    const found = withoutOwn(answer.neighbours, own);
    counted.push({ hits: Math.round(recallOf(wanted, found) * wanted.length), trials: wanted.length });
    sums.found += found.length;
    if (found.length < wanted.length) sums.short++;
  }
  const total = (field: keyof Counted): number => counted.reduce((sum, each) => sum + each[field], 0);
  const places = total('trials');
  if (places === 0) return null;
  const times = asked.map(({ answer }) => answer.milliseconds);
  return {
    recall: total('hits') / places,
    ...groupedWilson(counted),
    found: sums.found / asked.length,
    wanted: places / asked.length,
    short: sums.short,
    queries: asked.length,
    p50Ms: percentile(times, 0.5) ?? 0,
    p95Ms: percentile(times, 0.95) ?? 0,
  };
}

/** One more than is compared, as each row is its own nearest neighbour. */
export const ASKED_K = RECALL_K + 1;

/** Whether nothing is to be mended: as many hits as there are, and as near. */
export const isGood = ({ recall, short }: Figures, wanted: number): boolean =>
  short === 0 && recall >= wanted;
