/** Rate and time left over time. */

import { html } from 'hono/html';
import { count, duration, roundUp } from '../../observability/format.ts';
import { NOTHING, type Markup } from './layout.ts';
import type { RatePoint } from '../feed/rate-history.ts';
import { HEIGHT, WIDTH, place, plotFrame } from './plot.ts';

interface Curve {
  what: string;
  points: readonly { at: number; value: number }[];
  words: (value: number) => string;
  /** The axis ends here, or at the largest value. */
  top: (max: number) => number;
}

/** One curve over time, from 0. Without two points there is nothing to draw. */
function plot({ what, points, words, top: topOf }: Curve): Markup {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return NOTHING;
  const max = Math.max(...points.map(({ value }) => value));
  const top = topOf(max);
  const spanMs = Math.max(last.at - first.at, 1);
  const line = points.map(({ at, value }) => place((at - first.at) / spanMs, value / (top || 1))).join(' ');
  return plotFrame({
    what,
    figures: `highest ${words(max)}, now ${words(last.value)}`,
    axis: [words(top), words(top / 2), '0'],
    spanMs,
    drawing: html`<polygon points="0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}" /><polyline points="${line}" />`,
  });
}

export function ratePlots(samples: readonly RatePoint[]): Markup {
  const rates = samples.map(({ at, rowsPerSecond }) => ({ at, value: rowsPerSecond }));
  const left = samples.flatMap(({ at, etaSeconds }) =>
    etaSeconds === null ? [] : [{ at, value: etaSeconds }],
  );
  const rows = (value: number): string =>
    value < 10 ? String(Number(value.toFixed(1))) : count(Math.round(value));
  return html`${plot({ what: 'Rows a second', points: rates, words: rows, top: roundUp })}
  ${plot({ what: 'Time left', points: left, words: duration, top: (max) => max })}`;
}
