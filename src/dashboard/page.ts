/** The progress page: server-made HTML, no script, no asset from elsewhere; it reloads itself. */

import { html } from 'hono/html';
import { assetUrl } from './assets.ts';
import type { ProgressSnapshot } from '../ledger/progress.ts';

type Page = ReturnType<typeof html>;

export function progressPage(snapshot: ProgressSnapshot): Page {
  const { rows, batches, index } = snapshot;
  const share = (value: number): string => `${rows.eligible === 0 ? 0 : (100 * value) / rows.eligible}%`;
  const part = (name: 'embedded' | 'skipped' | 'quarantined' | 'stale'): Page =>
    html`<i class="${name}" style="width:${share(rows[name])}" title="${name} ${rows[name]}"></i>`;
  const row = (name: string, value: string): Page =>
    html`<tr>
      <th>${name}</th>
      <td>${value}</td>
    </tr>`;
  const figure = (value: number | null, unit: string): string =>
    value === null ? 'not measured yet' : `${Math.round(value).toLocaleString('en-US')} ${unit}`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta http-equiv="refresh" content="2" />
        <title>${snapshot.backfill}: ${snapshot.state}</title>
        <link rel="stylesheet" href="${assetUrl('page.css')}" />
      </head>
      <body>
        <h1>${snapshot.backfill}</h1>
        <p><strong>${snapshot.state}</strong>${snapshot.reason === '' ? '' : `: ${snapshot.reason}`}</p>
        <div class="bar" role="img" aria-label="coverage ${(100 * snapshot.coverage).toFixed(1)} percent">
          ${part('embedded')}${part('skipped')}${part('quarantined')}${part('stale')}
        </div>
        <table>
          ${row('Coverage', `${(100 * snapshot.coverage).toFixed(1)} %`)}
          ${row('Rows', `${rows.eligible} eligible = ${rows.embedded} embedded + ${rows.skipped} skipped + ${rows.quarantined} quarantined + ${rows.pending} pending + ${rows.stale} stale`)}
          ${row('Rate', figure(snapshot.rowsPerSecond, 'rows/s'))}
          ${row('Time left', figure(snapshot.etaSeconds, 's'))}
          ${row('Batches', `${batches.merged} merged, ${batches.staged} staged, ${batches.pending} pending, ${batches.failed} failed`)}
          ${row('Index', index.name === null ? 'not built yet' : `${index.name}: ${index.valid ? 'valid' : (index.phase ?? 'not valid')}`)}
        </table>
        <p><a href="/queues">Queues (Bull Board)</a> · <a href="/api/status">JSON</a></p>
      </body>
    </html>`;
}
