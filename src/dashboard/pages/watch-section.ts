/** What the watch has found of the live index: its last pass, and recall over the passes with its interval. */

import { html } from 'hono/html';
import { BAD_VERDICTS } from '../../ledger/passes/pass-result.ts';
import type { PassPoint, WatchPass } from '../../ledger/passes/watch-pass.ts';
import { bytes, count, duration, percent } from '../../observability/format.ts';
import type { GenerationView } from '../feed/progress-feed.ts';
import { HEIGHT, WIDTH, place, plotFrame } from './plot.ts';
import { NOTHING, facts, moment, partId, type Markup } from './layout.ts';

export function watchSection({ snapshot, passes }: GenerationView): Markup {
  const { watch } = snapshot;
  return html`<section id="${partId('watch', snapshot)}">
    <h2>Watch ${watch === null ? NOTHING : html`<b class="${toneOf(watch)}">${watch.verdict}</b>`}</h2>
    ${
      watch === null
        ? html`<p class="quiet">
            No pass yet. Workers measure the index once vectors answer every read;
            <code>pgvector-backfill watch</code> does it now.
          </p>`
        : passParts(watch, passes)
    }
  </section>`;
}

const toneOf = ({ verdict }: WatchPass): string =>
  verdict === 'good' ? 'good' : BAD_VERDICTS.includes(verdict) ? 'bad' : '';

function passParts(
  { at, ageSeconds, detail, remedy, result }: WatchPass,
  passes: readonly PassPoint[],
): Markup {
  const { points, filtered, wear, freshness } = result;
  const [present] = points;
  const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(1)} ms`);
  return html`<p>${detail} <span class="quiet">${duration(ageSeconds)} ago, ${moment(at)} UTC</span></p>
    ${remedy === null ? NOTHING : html`<p><strong>${remedy}</strong></p>`} ${recallPlot(passes)}
    ${facts([
      ['p50 / p95', `${ms(present?.p50Ms)} / ${ms(present?.p95Ms)}`],
      [
        'Short with a filter',
        filtered
          .map(({ selectivity, short, queries }) => `${short} of ${queries} at ${100 * selectivity} %`)
          .join(', ') || '-',
      ],
      ['Dead entries', wear.deadEntries === null ? '-' : percent(wear.deadEntries)],
      ['Dead rows', `${count(wear.deadRows)} beside ${count(wear.liveRows)}`],
      [
        'Index',
        `${bytes(wear.indexBytes)}${wear.forecastBytes === null ? '' : `, ${bytes(wear.forecastBytes)} by forecast`}`,
      ],
      ['Freshness', freshness === null ? 'not measured' : freshness.passed ? 'fresh' : 'stale'],
    ])}`;
}

/** From a tenth below the lowest that is shown to 1: what is to be seen happens close to the top. */
function recallPlot(passes: readonly PassPoint[]): Markup {
  const points = passes.flatMap(({ at, recall, wanted }) =>
    recall === null ? [] : [{ at: Date.parse(at), wanted, ...recall }],
  );
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return NOTHING;
  const spanMs = Math.max(last.at - first.at, 1);
  const lowest = Math.min(...points.flatMap(({ low, wanted }) => [low, wanted]));
  const bottom = Math.max(0, Math.floor(lowest * 10 - 1e-9) / 10);
  const x = (at: number): number => (at - first.at) / spanMs;
  const y = (value: number): number => (value - bottom) / Math.max(1 - bottom, 0.1);
  const line = (of: 'recall' | 'low' | 'high'): string[] =>
    points.map((each) => place(x(each.at), y(each[of])));
  const wanted = (HEIGHT * (1 - y(last.wanted))).toFixed(1);
  return plotFrame({
    what: 'Recall@10 with its 95 % interval',
    figures: `lowest ${Math.min(...points.map(({ recall }) => recall)).toFixed(3)}, last ${last.recall.toFixed(3)}, wanted ${last.wanted}`,
    axis: ['1', ((1 + bottom) / 2).toFixed(2), bottom.toFixed(1)],
    spanMs,
    drawing: html`<path class="wanted" d="M0 ${wanted}H${WIDTH}" />
      <polygon points="${[...line('high'), ...line('low').toReversed()].join(' ')}" />
      <polyline points="${line('recall').join(' ')}" />`,
  });
}
