/** What the report shows as pictures. */

import type { Curve, CurveSeries } from '../measures/recall-curve.ts';
import type { Latency } from '../measures/latency.ts';
import type { Relevance } from '../measures/relevance.ts';
import type { ReadSettings } from '../../ledger/reads/read-settings.ts';
import { COLOURS, INK, drawChart, whiskers } from './chart.ts';

/** Widths of words are guessed where there is no screen: the gap keeps them apart. */
const LEGEND = { top: 8, itemGap: 28, selectedMode: false };
const upright = (name: string): object => ({ name, nameLocation: 'middle', nameRotate: 90, nameGap: 42 });

export function relevanceChart({ systems }: Relevance): string {
  const shown = systems.filter(({ ndcg10 }) => ndcg10 !== null);
  const bars = (name: string, value: 'ndcg10' | 'recall100' | 'mrr'): object => ({
    type: 'bar',
    name,
    data: shown.map((system) => system[value]),
  });
  return drawChart({
    legend: LEGEND,
    xAxis: { type: 'category', data: shown.map(({ name }) => name) },
    yAxis: { type: 'value', min: 0, max: 1 },
    series: [bars('nDCG@10', 'ndcg10'), bars('recall@100', 'recall100'), bars('MRR', 'mrr')],
  });
}

/** nDCG@10 alone, with its 95 % intervals. */
export function intervalChart({ systems }: Relevance): string {
  const shown = systems.filter(({ ndcg10 }) => ndcg10 !== null);
  const highest = Math.max(0.1, ...shown.map(({ high }) => high ?? 0));
  return drawChart({
    xAxis: { type: 'category', data: shown.map(({ name }) => name) },
    // The axis knows the bars only: a whisker may reach beyond them.
    yAxis: { type: 'value', min: 0, max: Math.ceil(highest * 10) / 10, ...upright('nDCG@10') },
    series: [
      { type: 'bar', barWidth: '40%', data: shown.map(({ ndcg10 }) => ndcg10) },
      whiskers(shown.map(({ low, high }) => [low ?? 0, high ?? 0])),
    ],
  });
}

export interface CurveMarks {
  /** Recall that is wanted. */
  target: number;
  /** Settings that reads are given; null where none reaches it. */
  chosen: ReadSettings | null;
}

/** A pair of pictures per filter: of all curves in one nobody could read any. */
export function curveCharts(
  curve: Curve,
  marks: CurveMarks,
): { title: string; recall: string; cost: string }[] {
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
function recallLines(curve: Curve, series: readonly CurveSeries[], { target, chosen }: CurveMarks): string {
  const values = series[0]?.points.map(({ value }) => String(value)) ?? [];
  const at = chosen?.[curve.setting];
  return drawChart({
    ...frame(curve, series, target),
    xAxis: { name: curve.setting, type: 'category', data: values, ...ACROSS },
    series: series.flatMap((each, nth) => [
      {
        ...line(each, nth),
        data: each.points.map(({ recall }) => recall),
        ...(nth > 0
          ? {}
          : { markLine: dashed([{ yAxis: target }, ...(at === undefined ? [] : [{ xAxis: at }])]) }),
      },
      whiskers(
        each.points.map(({ low, high }) => [low, high] as const),
        { colour: colourOf(nth), half: 3 },
      ),
    ]),
  });
}

/** What recall costs. */
function costLines(curve: Curve, series: readonly CurveSeries[], { target }: CurveMarks): string {
  return drawChart({
    ...frame(curve, series, target),
    xAxis: { name: 'median ms', type: 'value', scale: true, ...ACROSS },
    series: series.map((each, nth) => ({
      ...line(each, nth),
      data: each.points.map(({ p50Ms, recall }) => [p50Ms, recall]),
      ...(nth > 0 ? {} : { markLine: dashed([{ yAxis: target }]) }),
    })),
  });
}

const ACROSS = { nameLocation: 'middle', nameGap: 30 };
const colourOf = (nth: number): string => COLOURS[nth % COLOURS.length] ?? INK;
const line = (series: CurveSeries, nth: number): object => ({
  type: 'line',
  name: seriesName(series),
  color: colourOf(nth),
  symbol: 'circle',
  symbolSize: 6,
});
const dashed = (data: object[]): object => ({
  symbol: 'none',
  label: { show: false },
  lineStyle: { color: INK, type: 'dashed' },
  data,
});

/** From a twentieth below all that is drawn, the target included. */
function frame({ k }: Curve, series: readonly CurveSeries[], target: number) {
  const lowest = Math.min(target, ...series.flatMap(({ points }) => points.map(({ low }) => low)));
  const min = Math.max(0, Math.floor(lowest * 20 - 0.5) / 20);
  return {
    legend: LEGEND,
    grid: { left: 64, right: 20, top: 88, bottom: 48 },
    yAxis: { type: 'value', min, max: 1, interval: (1 - min) / 5, ...upright(`recall@${k}`) },
  };
}

export function latencyChart({ systems }: Latency): string {
  const bars = (name: string, value: 'p50Ms' | 'p95Ms' | 'p99Ms'): object => ({
    type: 'bar',
    name,
    data: systems.map((system) => system[value]),
  });
  return drawChart({
    legend: LEGEND,
    xAxis: { type: 'category', data: systems.map(({ name }) => name) },
    yAxis: { type: 'value', ...upright('ms') },
    series: [bars('p50', 'p50Ms'), bars('p95', 'p95Ms'), bars('p99', 'p99Ms')],
  });
}
