/** What passes of the watch have found, for people. */

import {
  BAD_VERDICTS,
  worstRecall,
  type FilteredCount,
  type IndexWear,
  type WatchPoint,
  type WatchRecall,
} from '../ledger/passes/pass-result.ts';
import type { NewPass, WatchPass } from '../ledger/passes/watch-pass.ts';
import { bytes, count, duration, percent } from '../observability/format.ts';

/** The one line of `status`; a second one where there is something to do. Nothing before the first pass. */
export function watchStatusLines(pass: WatchPass | null): string[] {
  if (pass === null) return [];
  const remedy = pass.remedy === null ? [] : [`         ${pass.remedy}`];
  return [`watch    ${verdictWords(pass)}, ${duration(pass.ageSeconds)} ago`, ...remedy];
}

const verdictWords = ({ verdict, detail }: Pick<NewPass, 'verdict' | 'detail'>): string =>
  `${BAD_VERDICTS.includes(verdict) ? verdict.toUpperCase() : verdict}: ${detail}`;

/** One pass in full. */
export function passLines(pass: NewPass): string[] {
  const { result } = pass;
  const { points, compared, cutShort, filtered, wear, freshness, sync } = result;
  return [
    ...points.flatMap((point) => pointLines(point, result.setting)),
    `compared  with ${compared === 1 ? 'every vector' : `a sample of ${percent(compared)} of the vectors`}${cutShort === null ? '' : `; cut short: ${cutShort}`}`,
    ...filtered.map(filteredLine),
    ...wearLines(wear),
    `freshness ${freshness === null ? 'not measured' : freshness.detail}; ${count(sync.pending)} changes to do${sync.oldestSeconds === null ? '' : `, the oldest ${duration(sync.oldestSeconds)} old`}`,
    `verdict   ${verdictWords(pass)}`,
    ...(pass.remedy === null ? [] : [`          ${pass.remedy}`]),
  ];
}

const shown = ({ recall, low, high, queries }: WatchRecall): string =>
  `${recall.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}, ${count(queries)} queries)`;

const pointLines = ({ value, recall, p50Ms, p95Ms }: WatchPoint, setting: string): string[] =>
  Object.entries(recall).map(
    ([source, each]) =>
      `recall@10 ${shown(each)} of ${source === 'rows' ? 'rows' : 'recorded searches'} at ${setting} = ${value}, p50 / p95 ${p50Ms.toFixed(1)} / ${p95Ms.toFixed(1)} ms`,
  );

const filteredLine = ({ selectivity, queries, wanted, fewest, short }: FilteredCount): string =>
  `filters   keeping ${Number((100 * selectivity).toPrecision(3))} % of the rows: by the index at least ${fewest} of ${wanted} hits, ${short} of ${queries} queries came short`;

function wearLines({
  liveRows,
  deadRows,
  vacuumedAt,
  indexBytes,
  forecastBytes,
  builtBytes,
  deadEntries,
}: IndexWear): string[] {
  return [
    `table     ${count(liveRows)} live and ${count(deadRows)} dead rows by the statistics, ${vacuumedAt === null ? 'never vacuumed' : `vacuumed ${vacuumedAt}`}`,
    `index     ${bytes(indexBytes)}${forecastBytes === null ? '' : `, ${bytes(forecastBytes)} by forecast for the present rows`}${builtBytes === null ? '' : `, ${bytes(builtBytes)} when it was built`}${deadEntries === null ? '' : `; ${percent(deadEntries)} of the entries that searches meet are of rows that are gone`}`,
  ];
}

/** One line for each, the newest last. */
export const seriesLines = (passes: readonly WatchPass[]): string[] =>
  passes.toReversed().map((pass) => {
    const worst = worstRecall(pass.result);
    const recall = worst === null ? 'not measured' : `recall@10 ${shown(worst)}`;
    const p95 = pass.result.points[0]?.p95Ms ?? 0;
    return `${pass.at}  ${pass.verdict.padEnd(12)}  ${recall}, p95 ${p95.toFixed(1)} ms`;
  });
