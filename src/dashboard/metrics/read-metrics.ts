/** Of the applications' reads. */

import { READ_MODES, type ReadChoice } from '../../ledger/reads/read-mode.ts';
import { byLabel, known, metric, metricBeside, oneOf, type Metric } from './declare.ts';

/** In which reads go by the generation; empty where they do not. */
function modeOfGeneration({ mode, generation, base }: ReadChoice, of: number): string {
  if (generation === of || generation === null) return mode;
  return (mode === 'shadow' || mode === 'canary') && base.generation === of ? base.mode : '';
}

export const READ_METRICS: readonly Metric[] = [
  metric(
    'read_mode',
    'gauge',
    ['mode'],
    'By which search the applications are answered: 1 for the mode in which reads go by this generation, or try it; legacy where they go by no vectors at all, and 0 throughout where they go by another generation.',
    ({ snapshot: { readMode, generation } }) =>
      oneOf('mode', READ_MODES, modeOfGeneration(readMode, generation)),
  ),
  metric(
    'canary_ratio',
    'gauge',
    [],
    'Share of the reads that the canary answers; absent in other modes.',
    ({ snapshot: { readMode, generation } }) =>
      known(readMode.percent === null || readMode.generation !== generation ? null : readMode.percent / 100),
  ),
  metricBeside(
    'search_errors_total',
    'counter',
    ['mode'],
    'Searches of applications that threw, by read mode.',
    ({ times }) => times.map(({ mode, errors }) => ({ labels: { mode }, value: errors })),
  ),
  metric(
    'shadow_searches_total',
    'counter',
    ['result'],
    'Shadow searches since reads left legacy last: compared, failed, timed out, or skipped for want of room.',
    ({ snapshot: { shadow } }) =>
      byLabel('result', {
        compared: shadow.searches,
        error: shadow.errors,
        timeout: shadow.timeouts,
        skipped: shadow.skipped,
      }),
  ),
  metric(
    'shadow_overlap_ratio',
    'gauge',
    [],
    'Mean overlap at k of its answers and those of the search beside which it was tried, legacy or the live generation; absent where nothing was compared.',
    ({ snapshot }) => known(snapshot.shadow.overlap),
  ),
  metric(
    'shadow_rank_correlation_ratio',
    'gauge',
    [],
    'Mean rank-biased overlap of them; absent where nothing was compared.',
    ({ snapshot }) => known(snapshot.shadow.rankCorrelation),
  ),
  metric(
    'canary_searches_total',
    'counter',
    ['answered_by'],
    'Searches in mode canary by the search that answered.',
    ({ snapshot: { canary } }) => byLabel('answered_by', { vector: canary.vector, legacy: canary.legacy }),
  ),
  metric(
    'canary_errors_total',
    'counter',
    [],
    'Searches in mode canary for which the vector search was given up.',
    ({ snapshot }) => known(snapshot.canary.errors),
  ),
];
