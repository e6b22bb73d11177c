/** What the report shows as pictures. */

import type { Curve, CurveSeries } from '../curve.ts';
import type { Latency } from '../latency.ts';
import type { Relevance } from '../relevance.ts';
import { drawChart, whiskers } from './chart.ts';

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
  return drawChart({
    xAxis: { type: 'category', data: shown.map(({ name }) => name) },
    yAxis: { type: 'value', min: 0, ...upright('nDCG@10') },
    series: [
      { type: 'bar', barWidth: '40%', data: shown.map(({ ndcg10 }) => ndcg10) },
      whiskers(shown.map(({ low, high }) => [low ?? 0, high ?? 0])),
    ],
  });
}

/** A pair of pictures per filter: of all curves in one nobody could read any. */
export function curveCharts(curve: Curve): { title: string; recall: string; cost: string }[] {
  const filters = [...new Set(curve.series.map(({ filter }) => filter))];
  return filters.map((filter) => {
    const series = curve.series.filter((each) => each.filter === filter);
    const values = series[0]?.points.map(({ value }) => String(value)) ?? [];
    return {
      title: filter === null ? 'No filter' : `Filter ${filter}`,
      recall: lines(
        curve,
        series,
        { name: curve.setting, type: 'category', data: values },
        ({ value, recall }) => [String(value), recall],
      ),
      cost: lines(curve, series, { name: 'median ms', type: 'value', scale: true }, ({ p50Ms, recall }) => [
        p50Ms,
        recall,
      ]),
    };
  });
}

export const seriesName = ({ source, iterativeScan }: CurveSeries): string =>
  iterativeScan === null ? source : `${source}, ${iterativeScan}`;

function lines(
  { k }: Curve,
  series: readonly CurveSeries[],
  across: object,
  point: (point: CurveSeries['points'][number]) => [string | number, number],
): string {
  return drawChart({
    legend: LEGEND,
    grid: { left: 64, right: 20, top: 88, bottom: 48 },
    xAxis: { nameLocation: 'middle', nameGap: 30, ...across },
    yAxis: { type: 'value', max: 1, scale: true, ...upright(`recall@${k}`) },
    series: series.map((each) => ({
      type: 'line',
      name: seriesName(each),
      symbolSize: 6,
      data: each.points.map((one) => point(one)),
    })),
  });
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
