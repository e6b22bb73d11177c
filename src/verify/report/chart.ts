/** Charts as SVG text, drawn without a browser: a report must be readable without a network and years later. */

import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { EChartsOption } from 'echarts';

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer]);

const WIDTH = 760;
const HEIGHT = 340;
/** Okabe and Ito's colours, which people who see few colours tell apart as well. */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8a8a8a'] as const;
/** Of words, axes and the lines behind; the page has others of them for a dark screen. */
export const INK = '#444444';
export const GRID = '#dddddd';

const AXIS = {
  axisLabel: { color: INK },
  nameTextStyle: { color: INK },
  axisLine: { lineStyle: { color: INK } },
  axisTick: { lineStyle: { color: INK } },
  splitLine: { lineStyle: { color: GRID } },
};

type Drawn = Omit<EChartsOption, 'xAxis' | 'yAxis' | 'legend' | 'series'> & {
  xAxis: object;
  yAxis: object;
  legend?: object;
  series: object[];
};

/** Drawn flat: nothing answers to a pointer. */
export function drawChart({ series, xAxis, yAxis, legend, ...option }: Drawn): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption({
      animation: false,
      color: [...COLOURS],
      grid: { left: 60, right: 20, top: 48, bottom: 48 },
      ...option,
      ...(legend === undefined ? {} : { legend: { textStyle: { color: INK }, ...legend } }),
      xAxis: { ...AXIS, splitLine: { show: false }, ...xAxis },
      yAxis: { ...AXIS, ...yAxis },
      series: series.map((each) => ({ ...each, silent: true, emphasis: { disabled: true } })),
    } as EChartsOption);
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** A vertical whisker from `low` to `high` at each category, drawn over bars or through points. */
export function whiskers(
  intervals: readonly (readonly [low: number, high: number] | null)[],
  { colour = INK, half = 6 }: { colour?: string; half?: number } = {},
): object {
  return {
    type: 'custom',
    z: 10,
    data: intervals.flatMap((interval, at) => (interval === null ? [] : [[at, ...interval]])),
    renderItem: (_: unknown, api: { value(at: number): number; coord(point: number[]): number[] }) => {
      const [x = 0, low = 0] = api.coord([api.value(0), api.value(1)]);
      const [, high = 0] = api.coord([api.value(0), api.value(2)]);
      const line = (x1: number, y1: number, x2: number, y2: number): object => ({
        type: 'line',
        shape: { x1, y1, x2, y2 },
        style: { stroke: colour, lineWidth: 1.5 },
      });
      return {
        type: 'group',
        children: [
          line(x, low, x, high),
          line(x - half, low, x + half, low),
          line(x - half, high, x + half, high),
        ],
      };
    },
  };
}
