/** Figures of several systems on the same queries, each against the best of them. */

import {
  differenceOf,
  meanOf,
  pairedBootstrap,
  type Difference,
  type Interval,
} from '../../relevance/bootstrap.ts';

/** By query, the same ones for every system. */
export interface Series {
  ndcg10: readonly number[];
  recall100: readonly number[];
}

/** Means over the queries, 0 to 1, with their 95 % intervals. */
export interface Scores {
  ndcg10: number;
  low: number;
  high: number;
  recall100: number;
  recallLow: number;
  recallHigh: number;
  /** ndcg10 minus that of the best, with its 95 % interval; null of the best itself. */
  toBest: Difference | null;
}

/** @param series one at least */
export function scoresToBest(series: readonly Series[]): Scores[] {
  const all = series.map(({ ndcg10 }) => ndcg10);
  const means = all.map((each) => meanOf(each));
  const best = means.indexOf(Math.max(...means));
  const first = all[best] ?? [];
  const ofNdcg = pairedBootstrap([first, ...all]);
  const ofRecall = pairedBootstrap(series.map(({ recall100 }) => recall100));
  return series.map(({ ndcg10, recall100 }, at) => {
    const { low: recallLow, high: recallHigh } = ofRecall.means[at] as Interval;
    return {
      ndcg10: means[at] as number,
      ...(ofNdcg.means[at + 1] as Interval),
      recall100: meanOf(recall100),
      recallLow,
      recallHigh,
      toBest: at === best ? null : differenceOf(ndcg10, first, ofNdcg.differences[at + 1]),
    };
  });
}

/** Whether chance alone may have put it behind the best. */
export const isAsGood = ({ toBest }: Pick<Scores, 'toBest'>): boolean => toBest === null || toBest.high >= 0;
