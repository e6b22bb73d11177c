/** Of the applications' reads. */

import type { ProgressSnapshot } from '../../ledger/progress/snapshot.ts';
import type { InterleavingSummary } from '../../ledger/reads/interleaving.ts';
import { READ_MODES, isTrialMode, type ReadChoice, type ReadMode } from '../../ledger/reads/read-mode.ts';
import type { Sample } from '../../observability/metric.ts';
import { byLabel, known, metric, metricBeside, oneOf, type Metric } from './declare.ts';

/** In which reads go by the generation; empty where they do not. */
function modeOfGeneration({ mode, generation, base }: ReadChoice, of: number): string {
  if (generation === of || generation === null) return mode;
  return isTrialMode(mode) && base.generation === of ? base.mode : '';
}

const shareOf = (wanted: ReadMode, { mode, percent, generation }: ReadChoice, of: number): number | null =>
  mode === wanted && percent !== null && generation === of ? percent / 100 : null;

function ofNewest(
  { interleaving }: ProgressSnapshot,
  read: (newest: InterleavingSummary) => Sample[],
): Sample[] {
  const [newest] = interleaving;
  return newest === undefined ? [] : read(newest);
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
    ({ snapshot: { readMode, generation } }) => known(shareOf('canary', readMode, generation)),
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
  metric(
    'interleave_ratio',
    'gauge',
    [],
    'Share of the reads that are interleaved; absent in other modes.',
    ({ snapshot: { readMode, generation } }) => known(shareOf('interleave', readMode, generation)),
  ),
  metric(
    'interleaved_searches_total',
    'counter',
    ['result'],
    'Searches that were to be interleaved, of the newest comparison: in which both had a part, to which one alone had hits, or in which one failed or was slow.',
    ({ snapshot }) =>
      ofNewest(snapshot, ({ searches, oneSided, failed }) =>
        byLabel('result', { interleaved: searches, one_sided: oneSided, failed }),
      ),
  ),
  metric(
    'interleaved_clicks_total',
    'counter',
    ['side'],
    'Clicks on hits of them: own is the search that is tried, base the one that answered before.',
    ({ snapshot }) =>
      ofNewest(snapshot, ({ baseClicks, ownClicks }) =>
        byLabel('side', { base: baseClicks, own: ownClicks }),
      ),
  ),
  metric(
    'interleaved_outcomes',
    'gauge',
    ['winner'],
    'Interleaved answers with a click, by the side whose hits were clicked more often; tie where both were equally often.',
    ({ snapshot }) =>
      ofNewest(snapshot, ({ baseWins, ownWins, ties }) =>
        byLabel('winner', { base: baseWins, own: ownWins, tie: ties }),
      ),
  ),
  metric(
    'interleaving_preference',
    'gauge',
    ['bound'],
    'Preference for the search that is tried, -0.5 to 0.5, 0 is none; with the ends of its 95 % interval (bound low and high). Absent before the first click.',
    ({ snapshot }) =>
      ofNewest(snapshot, ({ delta, deltaLow, deltaHigh }) =>
        delta === null ? [] : byLabel('bound', { value: delta, low: deltaLow, high: deltaHigh }),
      ),
  ),
];
