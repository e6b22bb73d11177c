/** What `verify` says in a terminal. */

import { groupLines } from './group-lines.ts';
import type { Groups } from '../verify/groups/measure-groups.ts';
import { showValue, type Check } from '../verify/check.ts';
import type { Curve } from '../verify/measures/recall-curve.ts';
import type { FullResult } from '../verify/full-measurement.ts';
import type { LongTexts } from '../verify/long-texts/compare-long-texts.ts';
import { liveSentences, sideBySide } from '../verify/report/side-by-side.ts';
import type { Latency } from '../verify/measures/latency.ts';
import { RELEVANCE_NOTES } from '../verify/checks/relevance.ts';
import type { Relevance } from '../verify/measures/relevance.ts';
import { decimal, interval, signed } from '../verify/report/figures.ts';
import { table } from './table.ts';

interface Verified {
  checks: readonly Check[];
  passed: boolean;
  full: FullResult | null;
  longTexts: LongTexts | null;
  groups: Groups | null;
}

/** @param generation that was verified */
export const verifyLines = (
  { checks, passed, full, longTexts, groups }: Verified,
  generation: number,
): string[] => [
  ...checkLines(checks),
  ...measureLines(full, generation),
  ...longTextLines(longTexts),
  ...groupLines(groups),
  passed ? '\nThe gate passed.' : '\nThe gate did not pass.',
];

export function checkLines(checks: readonly Check[]): string[] {
  return checks.flatMap(({ name, passed, value, threshold, detail, remedy }) => [
    `${passed ? 'pass' : 'FAIL'}  ${name.padEnd(18)} ${showValue(value)}${threshold === null ? '' : `  (needs ${showValue(threshold)})`}  ${detail}`,
    ...(remedy === null ? [] : [`      ${passed ? 'note' : 'do'}: ${remedy}`]),
  ]);
}

/** Tables of the measurements behind the checks. @param generation that was verified */
function measureLines(full: FullResult | null, generation: number): string[] {
  if (full === null) return [];
  return [
    ...(full.relevance === null ? [] : relevanceLines(full.relevance)),
    ...(full.curve === null ? [] : curveLines(full.curve)),
    ...(full.latency === null ? [] : latencyLines(full.latency)),
    ...liveLines(full, generation),
  ];
}

function liveLines(full: FullResult, own: number): string[] {
  const { live } = full;
  if (live == null) return [];
  const { head, rows } = sideBySide(full, live, own);
  return [
    '',
    `Generation ${own} beside generation ${live.generation}`,
    ...table([head, ...rows]),
    ...liveSentences(full),
  ];
}

function relevanceLines({ queries, systems }: Relevance): string[] {
  const rows = systems.map(({ name, ndcg10, low, high, recall100, mrr, difference }) => [
    name,
    decimal(ndcg10),
    interval({ low, high }),
    decimal(recall100),
    decimal(mrr),
    signed(difference),
  ]);
  return [
    '',
    `Relevance over ${queries} queries`,
    ...table([['', 'nDCG@10', '95 %', 'recall@100', 'MRR', 'nDCG@10 to legacy'], ...rows]),
    RELEVANCE_NOTES.measures,
    RELEVANCE_NOTES.ties,
  ];
}

/** Null where it was not asked for. */
function longTextLines(longTexts: LongTexts | null): string[] {
  if (longTexts === null) return [];
  const { queries, rows, judgedRows, longRows, passages, cutRows, modes } = longTexts;
  return [
    '',
    `Long texts, over ${queries} queries among ${rows} rows (${judgedRows} of them judged): ${longRows} rows of more than one passage, ${passages} passages${cutRows === 0 ? '' : `, ${cutRows} rows of more than model.maxChunks`}`,
    ...table([
      ['model.longText', 'nDCG@10', '95 %', 'recall@100', 'nDCG@10 to truncate'],
      ...modes.map(({ mode, ndcg10, low, high, recall100, difference }) => [
        mode,
        decimal(ndcg10),
        interval({ low, high }),
        decimal(recall100),
        signed(difference),
      ]),
    ]),
    'By exact distances to all of these rows. Fewer rows than the table has are easier to rank: compare the three with each other alone.',
  ];
}

function curveLines({ setting, k, series }: Curve): string[] {
  const values = series[0]?.points.map(({ value }) => value) ?? [];
  const title = ({ source, filter, iterativeScan }: Curve['series'][number]): string =>
    [source, filter ?? '', iterativeScan ?? ''].filter((part) => part !== '').join(', ');
  return [
    '',
    `Recall@${k} and median ms by ${setting}`,
    ...table([
      ['', ...values.map(String)],
      ...series.flatMap((each) => [
        [title(each), ...each.points.map(({ recall }) => decimal(recall))],
        ['  ms', ...each.points.map(({ p50Ms }) => decimal(p50Ms, 2))],
      ]),
    ]),
  ];
}

function latencyLines({ queries, systems }: Latency): string[] {
  return [
    '',
    `Latency of ${queries} queries, ms`,
    ...table([
      ['', 'p50', 'p95', 'p99'],
      ...systems.map(({ name, p50Ms, p95Ms, p99Ms }) => [
        name === 'vector' ? 'vector (embedding + index)' : name,
        decimal(p50Ms, 2),
        decimal(p95Ms, 2),
        decimal(p99Ms, 2),
      ]),
    ]),
  ];
}
