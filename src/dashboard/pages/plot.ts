/** The frame of a plot over time: SVG made here, so that no style stands in the page. */

import { html } from 'hono/html';
import { duration } from '../../observability/format.ts';
import type { Markup } from './layout.ts';

/** Of the drawing, in its own units. */
export const WIDTH = 600;
export const HEIGHT = 100;

export interface PlotFrame {
  what: string;
  /** The figures that matter, in words: also for whoever does not see the curve. */
  figures: string;
  /** At the top, in the middle, at the bottom. */
  axis: readonly [string, string, string];
  /** From the left end to the right one. */
  spanMs: number;
  drawing: Markup;
}

/** `x,y` in the units of the drawing. @param x and y 0 to 1, from the left and from the bottom */
export const place = (x: number, y: number): string =>
  `${(x * WIDTH).toFixed(1)},${((1 - y) * HEIGHT).toFixed(1)}`;

export function plotFrame({ what, figures, axis, spanMs, drawing }: PlotFrame): Markup {
  const before = duration(spanMs / 1000);
  return html`<figure class="plot">
    <figcaption><b>${what}</b> <span>${figures}</span></figcaption>
    <div class="frame">
      ${axis.map((each) => html`<span>${each}</span>`)}
      <svg
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${what} over the last ${before}: ${figures}"
      >
        <path class="grid" d="M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}" />
        ${drawing}
      </svg>
      <span>${before} ago</span><span>now</span>
    </div>
  </figure>`;
}
