/** Rate and time left over time: SVG made here, so that no style stands in the page. */

import { html } from 'hono/html';
import { count, duration, roundUp } from '../../observability/format.ts';
import { NOTHING, type Markup } from './layout.ts';
import type { RatePoint } from '../feed/rate-history.ts';

const WIDTH = 600;
const HEIGHT = 100;

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
  const span = Math.max(last.at - first.at, 1);
  const line = points
    .map(
      ({ at, value }) =>
        `${(((at - first.at) / span) * WIDTH).toFixed(1)},${(HEIGHT - (value / (top || 1)) * HEIGHT).toFixed(1)}`,
    )
    .join(' ');
  const before = duration(span / 1000);
  return html`<figure class="plot">
    <figcaption><b>${what}</b> <span>highest ${words(max)}, now ${words(last.value)}</span></figcaption>
    <div class="frame">
      <span>${words(top)}</span><span>${words(top / 2)}</span><span>0</span>
      <svg
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${what} over the last ${before}: highest ${words(max)}, now ${words(last.value)}"
      >
        <path class="grid" d="M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}" />
        <polygon points="0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}" />
        <polyline points="${line}" />
      </svg>
      <span>${before} ago</span><span>now</span>
    </div>
  </figure>`;
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
