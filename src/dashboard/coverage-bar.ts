/** Coverage as a bar, and the rate over time as a plot: SVG made here, so that no style stands in the page. */

import { html } from 'hono/html';
import type { ProgressSnapshot } from '../ledger/progress.ts';
import { count, duration, percent } from '../observability/format.ts';
import { NOTHING, type Markup } from './layout.ts';
import type { Sample } from './samples.ts';

const PARTS = ['embedded', 'staged', 'stale', 'pending', 'skipped', 'quarantined'] as const;

/** `pending` without what is staged of it, so that the parts add up. */
function partsOf({ rows }: ProgressSnapshot): { name: (typeof PARTS)[number]; rows: number }[] {
  return PARTS.map((name) => ({
    name,
    rows: name === 'pending' ? Math.max(rows.pending - rows.staged, 0) : rows[name],
  }));
}

export function coverageBar(snapshot: ProgressSnapshot): Markup {
  const { eligible } = snapshot.rows;
  const parts = partsOf(snapshot);
  const share = (rows: number): number => (eligible === 0 ? 0 : rows / eligible);
  let x = 0;
  const bars = parts.map(({ name, rows }) => {
    const width = 1000 * share(rows);
    x += width;
    return html`<rect
      class="${name}"
      x="${(x - width).toFixed(2)}"
      y="0"
      width="${width.toFixed(2)}"
      height="20"
    >
      <title>${name} ${count(rows)}</title>
    </rect>`;
  });
  const legend = parts.map(
    ({ name, rows }) =>
      html`<li class="${rows === 0 ? 'none' : ''}">
        <svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${name}" width="10" height="10" /></svg>
        ${name} <b>${count(rows)}</b>${rows === 0 ? NOTHING : html` <small>${percent(share(rows))}</small>`}
      </li>`,
  );
  return html`<svg
      class="bar"
      viewBox="0 0 1000 20"
      preserveAspectRatio="none"
      role="img"
      aria-label="${percent(snapshot.coverage)} of the rows with text are embedded"
    >
      <rect class="rest" width="1000" height="20" />
      ${bars}
    </svg>
    <ul class="legend">
      ${legend}
    </ul>`;
}

const WIDTH = 600;
const HEIGHT = 80;

type Words = (value: number) => string;

/** One curve over time, from 0. Without two points there is nothing to draw. */
function curve(what: string, points: readonly { at: number; value: number }[], words: Words): Markup {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return NOTHING;
  const most = Math.max(...points.map(({ value }) => value));
  const span = Math.max(last.at - first.at, 1);
  const line = points
    .map(
      ({ at, value }) =>
        `${(((at - first.at) / span) * WIDTH).toFixed(1)},${(HEIGHT - (value / (most || 1)) * (HEIGHT - 4)).toFixed(1)}`,
    )
    .join(' ');
  const seconds = span / 1000;
  return html`<figure class="plot">
    <svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${what} over the last ${duration(seconds)}, at most ${words(most)}"
    >
      <polygon points="0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}" />
      <polyline points="${line}" />
    </svg>
    <figcaption>
      <span>${duration(seconds)} ago</span><span>${what}: highest ${words(most)}</span><span>now</span>
    </figcaption>
  </figure>`;
}

export function ratePlot(samples: readonly Sample[]): Markup {
  const rates = samples.map(({ at, rowsPerSecond }) => ({ at, value: rowsPerSecond }));
  const left = samples.flatMap(({ at, etaSeconds }) =>
    etaSeconds === null ? [] : [{ at, value: etaSeconds }],
  );
  return html`${curve('rows a second', rates, (most) => count(Math.round(most)))}
  ${curve('time left', left, duration)}`;
}
