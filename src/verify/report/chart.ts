/** Charts as SVG text, drawn without a browser: a report must be readable without a network and years later. */

import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { EChartsOption } from 'echarts';

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);

const WIDTH = 760;
const HEIGHT = 340;
/** Okabe and Ito's colours, which people who see few colours tell apart as well. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** Drawn flat: nothing answers to a pointer. */
export function drawChart({ series, ...option }: EChartsOption & { series: object[] }): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption({
      animation: false,
      color: COLOURS,
      grid: { left: 60, right: 20, top: 48, bottom: 48 },
      ...option,
      series: series.map((each) => ({ ...each, silent: true, emphasis: { disabled: true } })),
    } as EChartsOption);
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** A vertical whisker from `low` to `high` at each category, drawn over bars. */
export function whiskers(intervals: readonly (readonly [low: number, high: number] | null)[]): object {
  const half = 6;
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
        style: { stroke: '#333', lineWidth: 1.5 },
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
