/** Coverage as a bar: SVG made here, so that no style stands in the page. */

import { html } from 'hono/html';
import type { ProgressSnapshot } from '../../ledger/progress/snapshot.ts';
import { count, percent } from '../../observability/format.ts';
import { NOTHING, type Markup } from './layout.ts';

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
