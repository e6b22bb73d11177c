/** What the report shows as pictures. */

import type { Curve, CurveSeries } from '../measures/recall-curve.ts';
import type { Latency } from '../measures/latency.ts';
import type { Relevance } from '../measures/relevance.ts';
import type { ReadSettings } from '../../ledger/reads/read-settings.ts';
import { drawChart, type Series, type Svg } from './chart.ts';

/** One colour for each name of `values`, a bar for each of `rows`; what is not known has none. */
const bars = <K extends string>(
  rows: readonly Readonly<Record<K, number | null>>[],
  values: readonly (readonly [name: string, value: K])[],
): Series[] =>
  values.map(([name, value]) => ({
    name,
    points: rows.flatMap((row, x) => (row[value] === null ? [] : [{ x, y: row[value] }])),
  }));

const shownOf = ({ systems }: Relevance) => systems.filter(({ ndcg10 }) => ndcg10 !== null);

export function relevanceChart(relevance: Relevance): Svg {
  const shown = shownOf(relevance);
  return drawChart({
    kind: 'bars',
    label: 'nDCG@10, recall@100 and MRR of each search',
    x: { at: shown.map(({ name }) => name) },
    y: { at: { low: 0, high: 1 } },
    series: bars(shown, [
      ['nDCG@10', 'ndcg10'],
      ['recall@100', 'recall100'],
      ['MRR', 'mrr'],
    ]),
  });
}

/** nDCG@10 alone, with its 95 % intervals. */
export const intervalChart = (relevance: Relevance): Svg =>
  intervals(
    'nDCG@10 of each search with its 95 % interval',
    shownOf(relevance).map(({ name, ndcg10, low, high }) => ({
      name,
      ndcg10: ndcg10 ?? 0,
      low: low ?? 0,
      high: high ?? 0,
    })),
  );

/** A bar of nDCG@10 for each, with its interval. */
export function intervals(
  label: string,
  shown: readonly { name: string; ndcg10: number; low: number; high: number }[],
): Svg {
  const points = shown.map(({ ndcg10, low, high }, x) => ({ x, y: ndcg10, interval: [low, high] as const }));
  return drawChart({
    kind: 'bars',
    label,
    x: { at: shown.map(({ name }) => name) },
    y: { name: 'nDCG@10', at: { low: 0, high: Math.max(0.1, ...points.map(({ interval }) => interval[1])) } },
    series: [{ points }],
  });
}

export interface CurveMarks {
  /** Recall that is wanted. */
  target: number;
  /** Settings that reads are given; null where none reaches it. */
  chosen: ReadSettings | null;
}

/** A pair of pictures per filter: of all curves in one nobody could read any. */
export function curveCharts(curve: Curve, marks: CurveMarks): { title: string; recall: Svg; cost: Svg }[] {
  const filters = [...new Set(curve.series.map(({ filter }) => filter))];
  return filters.map((filter) => {
    const series = curve.series.filter((each) => each.filter === filter);
    return {
      title: filter === null ? 'No filter' : `Filter ${filter}`,
      recall: recallLines(curve, series, marks),
      cost: costLines(curve, series, marks),
    };
  });
}

export const seriesName = ({ source, iterativeScan }: CurveSeries): string =>
  iterativeScan === null ? source : `${source}, ${iterativeScan}`;

/** Recall by setting, with its intervals; the chosen setting upright. */
function recallLines(curve: Curve, series: readonly CurveSeries[], { target, chosen }: CurveMarks): Svg {
  const names = series[0]?.points.map(({ value }) => String(value)) ?? [];
  const at = names.indexOf(String(chosen?.[curve.setting]));
  return drawChart({
    kind: 'lines',
    label: `Recall by ${curve.setting}`,
    x: { name: curve.setting, at: names },
    y: recallAxis(curve, series, target),
    series: series.map((each) => ({
      name: seriesName(each),
      points: each.points.map(({ recall, low, high }, x) => ({ x, y: recall, interval: [low, high] })),
    })),
    marks: [{ y: target }, ...(at < 0 ? [] : [{ x: at }])],
  });
}

/** What recall costs. */
function costLines(curve: Curve, series: readonly CurveSeries[], { target }: CurveMarks): Svg {
  const times = series.flatMap(({ points }) => points.map(({ p50Ms }) => p50Ms));
  return drawChart({
    kind: 'lines',
    label: 'Recall by median milliseconds',
    x: { name: 'median ms', at: { low: Math.min(...times), high: Math.max(...times) } },
    y: recallAxis(curve, series, target),
    series: series.map((each) => ({
      name: seriesName(each),
      points: each.points.map(({ p50Ms, recall }) => ({ x: p50Ms, y: recall })),
    })),
    marks: [{ y: target }],
  });
}

/** From below all that is drawn, the target included. */
const recallAxis = ({ k }: Curve, series: readonly CurveSeries[], target: number) => ({
  name: `recall@${k}`,
  at: { low: Math.min(target, ...series.flatMap(({ points }) => points.map(({ low }) => low))), high: 1 },
});

export function latencyChart({ systems }: Latency): Svg {
  return drawChart({
    kind: 'bars',
    label: 'Milliseconds of each search: p50, p95 and p99',
    x: { at: systems.map(({ name }) => name) },
    y: { name: 'ms', at: { low: 0, high: Math.max(...systems.map(({ p99Ms }) => p99Ms)) } },
    series: bars(systems, [
      ['p50', 'p50Ms'],
      ['p95', 'p95Ms'],
      ['p99', 'p99Ms'],
    ]),
  });
}
