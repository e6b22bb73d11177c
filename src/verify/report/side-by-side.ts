/** The generation that is verified, the one by which reads go, and the legacy search, as report and terminal show them. */

import type { FullResult } from '../full-measurement.ts';
import type { LiveFigures } from '../measures/live.ts';
import { decimal, signed } from './figures.ts';

export interface SideBySide {
  head: string[];
  rows: string[][];
}

/** @param own number of the generation that is verified */
export function sideBySide(full: FullResult, live: LiveFigures, own: number): SideBySide {
  const systems = [live.mode, 'live', 'legacy'] as const;
  const score = (pick: 'ndcg10' | 'recall100' | 'mrr'): string[] =>
    systems.map((name) => decimal(full.relevance?.systems.find((each) => each.name === name)?.[pick]));
  // What the model and the index take, whatever is fused with it.
  const timed = ['vector', 'live', 'legacy'] as const;
  const times = (pick: 'p50Ms' | 'p95Ms'): string[] =>
    timed.map((name) => decimal(full.latency?.systems.find((each) => each.name === name)?.[pick], 2));
  return {
    head: ['', `generation ${own}`, `generation ${live.generation}`, 'legacy'],
    rows: [
      ...(full.relevance === null
        ? []
        : [
            ['nDCG@10', ...score('ndcg10')],
            ['recall@100', ...score('recall100')],
            ['MRR', ...score('mrr')],
          ]),
      ['p50 ms', ...times('p50Ms')],
      ['p95 ms', ...times('p95Ms')],
    ],
  };
}

/** In words, the differences of nDCG@10 with their intervals, and what both generations answer alike. */
export function liveSentences({ live, relevance }: FullResult): string[] {
  if (live == null) return [];
  const toLegacy = relevance?.systems.find(({ name }) => name === live.mode)?.difference ?? null;
  const [byLive, byLegacy] = [signed(live.relevance?.difference ?? null), signed(toLegacy)];
  return [
    `${live.mode} answers of ${live.queries} queries: overlap@${live.k} with generation ${live.generation} ${decimal(live.overlap)}, ${live.measure} ${decimal(live.rankCorrelation)}`,
    ...(byLive === ''
      ? []
      : [
          `nDCG@10 to generation ${live.generation} ${byLive}, to legacy ${byLegacy || '-'} (95 % intervals)`,
        ]),
    ...(live.recallAt10 === null
      ? []
      : [`recall@10 of the index of generation ${live.generation} ${decimal(live.recallAt10)}`]),
  ];
}
