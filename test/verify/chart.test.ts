import { expect, it } from 'vitest';
import { drawChart } from '../../src/verify/report/chart.ts';

const numbers = (text: string, pattern: RegExp): number[] =>
  [...text.matchAll(pattern)].map(([, value]) => Number(value));

it('draws bars from zero, each with its whisker, between round numbers', async () => {
  const svg = String(
    await drawChart({
      kind: 'bars',
      label: 'bars',
      x: { at: ['<legacy>', 'vector'] },
      y: { name: 'nDCG@10', at: { low: 0, high: 0.43 } },
      series: [
        {
          points: [
            { x: 0, y: 0.2, interval: [0.1, 0.3] },
            { x: 1, y: 0.4, interval: [0.35, 0.43] },
          ],
        },
      ],
    }),
  );
  expect(svg).not.toContain('<legacy>');
  expect([...svg.matchAll(/text-anchor="end"[^>]*>([^<]*)</g)].map(([, words]) => words)).toEqual([
    '0',
    '0.1',
    '0.2',
    '0.3',
    '0.4',
    '0.5',
  ]);
  const [first = 0, second = 0] = numbers(svg, /height="([\d.]+)"\s+fill/g);
  expect(second / first).toBeCloseTo(2, 2);
  expect(svg.match(/stroke="#444444"/g)?.length).toBe(2 * 3 + 1);
});

it('draws lines over numbers that do not begin at zero, in colours that its legend names, and marks dashed', async () => {
  const points = (y: number): { x: number; y: number }[] => [
    { x: 1.5, y },
    { x: 3, y: 1 },
  ];
  const svg = String(
    await drawChart({
      kind: 'lines',
      label: 'lines',
      x: { name: 'median ms', at: { low: 1.5, high: 3 } },
      y: { at: { low: 0.87, high: 1 } },
      series: Array.from({ length: 8 }, (_, nth) => ({
        name: `queries, relaxed_order ${nth}`,
        points: points(0.9),
      })),
      marks: [{ y: 0.95 }, { x: 2 }],
    }),
  );
  expect(svg.match(/<polyline/g)?.length).toBe(8);
  expect(svg.match(/stroke-dasharray/g)?.length).toBe(2);
  // The legend has rows of its own above the plot, within the width.
  const legend = numbers(svg, /<rect\s+x="([\d.]+)"/g);
  expect(legend.length).toBe(8);
  expect(Math.max(...legend)).toBeLessThan(560);
  expect(new Set(numbers(svg, /<rect\s+x="[\d.]+"\s+y="([\d.]+)"/g)).size).toBeGreaterThan(1);
  expect(svg).not.toMatch(/NaN|Infinity/);
});

it('draws where all values are one, and where there are none', async () => {
  for (const points of [[], [{ x: 2, y: 1 }]]) {
    const svg = String(
      await drawChart({
        kind: 'lines',
        label: 'one',
        x: { at: { low: 2, high: 2 } },
        y: { at: { low: 1, high: 1 } },
        series: [{ points }],
      }),
    );
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});
